import { sql } from 'kysely'
import { testsDatabase } from './environment.ts'
import type { TestApp } from './harness.ts'
import { until } from './process/until.ts'

/**
 * Every row of every table, by table: what a request may or may not have changed. Left out is what is written
 * at a moment of its own, refused credentials, counted behind the answer, and the beats of processes; the trace of
 * a link that was refused; and what limits count, which is every request.
 */
export type TableContents = ReadonlyMap<string, readonly unknown[]>

type Database = TestApp['engine']['db']

const tableNames = new WeakMap<Database, Promise<readonly string[]>>()

/** No table comes or goes while a test runs, so they are listed once. */
const listTables = (db: Database): Promise<readonly string[]> => {
  const known =
    tableNames.get(db) ??
    db.introspection
      .getTables({ withInternalKyselyTables: true })
      .then(tables =>
        tables.map(({ name }) => name).filter(name => !['processes', 'limit_counters'].includes(name)),
      )
  tableNames.set(db, known)
  return known
}

/** What says only that something was refused. */
const refused: readonly unknown[] = ['credential.refused', 'link.refused']
const isNoRefusal = (row: object): boolean => !('event' in row) || !refused.includes(row.event)

type Rows = readonly object[]

const readTable = (db: Database, name: string): Promise<Rows> =>
  // The type knows the engine's tables only; an application has more, and all are read alike.
  db
    .selectFrom(db.dynamic.table(name as 'users').as('t'))
    .selectAll()
    .execute()

/** In one statement, where each is a way to another process. */
const readAtOnce = async (
  db: Database,
  names: readonly string[],
): Promise<Readonly<Record<string, Rows>>> => {
  const parts = names.map(
    name => sql`(select coalesce(json_agg(t), '[]') from ${sql.table(name)} t) as ${sql.ref(name)}`,
  )
  const { rows } = await sql<Record<string, Rows>>`select ${sql.join(parts)}`.execute(db)
  return rows[0] ?? {}
}

const readEach = async (db: Database, names: readonly string[]): Promise<Readonly<Record<string, Rows>>> => {
  const contents: Record<string, Rows> = {}
  for (const name of names) contents[name] = await readTable(db, name)
  return contents
}

export const readTables = async ({ engine: { db } }: TestApp): Promise<TableContents> => {
  const names = await listTables(db)
  const contents = await (testsDatabase.kind === 'postgres' ? readAtOnce : readEach)(db, names)
  return new Map(Object.entries(contents).map(([name, rows]) => [name, rows.filter(isNoRefusal)]))
}

/** Resolves when nothing is on its way to hooks, which a request before may have sent there. */
export const untilHooksAreDone = async ({ engine: { db } }: TestApp): Promise<void> => {
  const queued = db.selectFrom('hook_events').select('id').limit(1)
  await until('the queue of hooks is empty', async () => (await queued.executeTakeFirst()) === undefined)
}

/** How many rows each table has. */
export const countRows = (contents: TableContents): Readonly<Record<string, number>> =>
  Object.fromEntries([...contents].map(([name, rows]) => [name, rows.length]))
