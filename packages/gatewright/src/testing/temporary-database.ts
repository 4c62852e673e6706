import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { systemRandom } from '../ground/random.ts'
import { isPostgresUrl, openDatabase } from '../storage/database.ts'

/** An empty database of one test's own. */
export type TemporaryDatabase = {
  readonly url: string
  /** @throws Error where it is another one by now; nothing is dropped then */
  readonly drop: () => Promise<void>
}

/** The comment on every database that is made here; none without it is ever written to, or dropped. */
export const mark = 'made by gatewright/testing, which drops it'

const newFile = (from: string | undefined): TemporaryDatabase => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const file = join(folder, 'test.db')
  if (from !== undefined) copyFileSync(from, file)
  return {
    url: `sqlite:${file}`,
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  }
}

const runOn = async <T>(url: string, work: (db: Kysely<never>) => Promise<T>): Promise<T> => {
  const db = openDatabase(url, { pool: 1 })
  try {
    return await work(db as unknown as Kysely<never>)
  } finally {
    await db.destroy()
  }
}

/**
 * @throws TypeError unless it names a server: nobody may think that the tests use a database that is there
 */
const parseServer = (text: string): URL => {
  const url = isPostgresUrl(text) && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['', '/', '/postgres'].includes(url.pathname))
    throw new TypeError(
      'the option postgres is the address of a server, such as postgres://postgres@localhost:5432/postgres: the tests get a database of their own there, and take none that exists',
    )
  url.pathname = '/postgres'
  return url
}

/** Refuses a database that was not made here. */
const checkMark = async (db: Kysely<never>, name: string): Promise<void> => {
  const found = await sql<{ mark: string | null }>`
    select shobj_description(oid, 'pg_database') as mark from pg_database where datname = ${name}`.execute(db)
  if (found.rows[0]?.mark !== mark)
    throw new Error(
      `the database ${name} does not say that it was made by gatewright/testing: it is not touched, look at it yourself`,
    )
}

/**
 * Ends the connections that the role may end, and drops it then. PostgreSQL's `with (force)` is refused to an
 * ordinary role while the server's own vacuum is at work there; without it the server ends that itself.
 */
const dropDatabase = async (db: Kysely<never>, name: string): Promise<void> => {
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = ${name} and usesysid is not null and pg_has_role(usesysid, 'member')`.execute(db)
  await sql`drop database ${sql.id(name)}`.execute(db)
}

/** A copy is one of files, which costs the server a third of what its log of the copy would. */
const copyOf = (from: string | undefined) =>
  from === undefined ? sql`` : sql`template ${sql.id(from)} strategy file_copy`

const newOn = async (server: URL, from: string | undefined): Promise<TemporaryDatabase> => {
  const name = `gatewright_test_${Buffer.from(systemRandom.bytes(12)).toString('hex')}`
  await runOn(server.href, async db => {
    await sql`create database ${sql.id(name)} ${copyOf(from)}`.execute(db)
    await sql`comment on database ${sql.id(name)} is ${sql.lit(mark)}`.execute(db)
  })
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: () =>
      runOn(server.href, async db => {
        await checkMark(db, name)
        await dropDatabase(db, name)
      }),
  }
}

/**
 * Makes an empty database: SQLite in a new folder, or on this PostgreSQL server. There is no way to name one
 * that exists.
 * @param postgres the address of a server, with a role that may make databases
 * @param from what it is a copy of, in place of empty: a closed SQLite file, or a database of that server
 */
export const makeTemporaryDatabase = async (postgres?: string, from?: string): Promise<TemporaryDatabase> =>
  postgres === undefined ? newFile(from) : newOn(parseServer(postgres), from)
