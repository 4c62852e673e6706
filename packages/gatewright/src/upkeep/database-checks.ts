import { sql } from 'kysely'
import { engineMigrations, findNewer } from '../storage/migrate.ts'
import type { Database } from '../storage/tables.ts'
import type { DatabaseFacts, DatabaseKind, SettingsFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

export const checkDatabase = ({ database }: Pick<SettingsFacts, 'database'>): Finding => {
  if (database.state === 'open') return ok(`opens: ${database.name}`)
  if (database.state === 'missing')
    return warning({
      found: `there is none at ${database.name}`,
      means: 'The next start makes a new, empty one there and prints a link to make the first administrator.',
      do: 'If there should be one: check DATABASE_URL and the working folder, or put the backup back.',
    })
  return problem({
    found: database.why.includes(database.name)
      ? database.why
      : `${database.name} can not be opened: ${database.why}`,
    means: 'The server does not start.',
    do: mendings[database.kind],
  })
}

const mendings: Readonly<Record<DatabaseKind, string>> = {
  sqlite:
    'Check that it is the right file and that this user may read and write it; else put the backup back.',
  postgres: 'Mend what the line says, in DATABASE_URL or at the server; docs/postgresql.md has both.',
}

type Row = Readonly<Record<string, unknown>>

const readPragma = async (db: Database, query: ReturnType<typeof sql<Row>>): Promise<readonly string[]> =>
  (await query.execute(db)).rows.flatMap(row => Object.values(row).map(String))

export const checkIntegrity = async ({ db }: Pick<DatabaseFacts, 'db'>): Promise<Finding> => {
  const lines = await readPragma(db, sql<Row>`pragma quick_check(5)`)
  if (lines.join() === 'ok') return ok('quick_check finds nothing')
  return problem({
    found: `quick_check: ${lines.join('; ').replaceAll('\n', '; ')}`,
    means: 'The file is damaged: data is lost or wrong.',
    do: 'Stop the server, keep a copy of the file, and put the newest backup back.',
  })
}

export const checkDurability = async ({ db }: Pick<DatabaseFacts, 'db'>): Promise<Finding> => {
  const [mode = ''] = await readPragma(db, sql<Row>`pragma journal_mode`)
  if (mode === 'wal') return ok('WAL; what is answered is on the disk')
  return warning({
    found: `journal_mode is ${mode}, not WAL`,
    means:
      'The server has not used this file yet, or another program has changed it; the next start sets it.',
    do: 'Start the server once; if this comes back, find the program that opens the file.',
  })
}

export const checkWritable = async ({ db }: Pick<DatabaseFacts, 'db'>): Promise<Finding> => {
  try {
    // Takes the write lock, which alone would be had on a file that is only read; a commit would write.
    await db.connection().execute(async connection => {
      await sql`begin immediate`.execute(connection)
      try {
        await sql`create table gatewright_doctor (id integer)`.execute(connection)
      } finally {
        await sql`rollback`.execute(connection)
      }
    })
    return ok('can be written')
  } catch (error) {
    return problem({
      found: `can not be written: ${error instanceof Error ? error.message : String(error)}`,
      means: 'Nobody can sign in or out.',
      do: 'Give the file and its folder to the user that runs the server, and look for a process that holds a lock.',
    })
  }
}

export const checkMigrations = async ({
  db,
  pending,
}: Pick<DatabaseFacts, 'db' | 'pending'>): Promise<Finding> => {
  if (pending.length > 0)
    return warning({
      found: `${pending.length} to come: ${pending.join(', ')}`,
      means: 'It was made by an older version, or is empty. The next start brings it up to date.',
      do: 'Make a backup, then start the server.',
    })
  const { steps, goesOn } = await findNewer(db, engineMigrations)
  if (steps.length === 0) return ok(`up to date: ${Object.keys(engineMigrations.migrations).length}`)
  const found = `this version does not know ${steps.join(', ')}`
  if (goesOn)
    return warning({
      found,
      means:
        'The tables were made by a newer version. This one serves on them, for it passes over what is new.',
      do: 'Run the newer version when it is well again.',
    })
  return problem({
    found,
    means: 'It was made by a newer version; this one does not start on it.',
    do: 'Run the newer version.',
  })
}
