import { Socket } from 'node:net'
import { sql } from 'kysely'
import pg from 'pg'
import { testsDatabase } from './environment.ts'
import type { TestApp } from './harness.ts'
import { until } from './process/until.ts'

/**
 * Every row of every table, by table, a text of JSON on each line: what a request may or may not have changed. The
 * database makes the text, because a test may read everything a thousand times. Left out is what is written
 * at a moment of its own, refused credentials, counted behind the answer, and the beats of processes; the trace of
 * a link that was refused; when an API key was used, which is written later, for many at once; and what limits
 * count, which is every request.
 */
export type TableContents = ReadonlyMap<string, string>

type Database = TestApp['engine']['db']
type Table = { readonly name: string; readonly columns: readonly { readonly name: string }[] }

const leftOut = ['processes', 'limit_counters', 'permission_uses']
/** What says only that something was refused, or that everything was read. */
const onlyNoted = [
  'access-review.exported',
  'access.refused',
  'audit.exported',
  'credential.refused',
  'limit.exceeded',
  'request.refused',
  'issuer.token-used',
  'link.refused',
  'user.exported',
]

/** Columns that are written behind the answer. */
const noted: Readonly<Record<string, readonly string[]>> = { api_keys: ['last_used_at', 'address'] }
const columnsOf = ({ name: table, columns }: Table) =>
  sql.join(columns.filter(({ name }) => !noted[table]?.includes(name)).map(({ name }) => sql.ref(name)))

const linesOf = {
  sqlite: (table: Table) => sql`group_concat(json_array(${columnsOf(table)}), char(10))`,
  // An update that changes nothing moves a row all the same.
  postgres: (table: Table) => {
    const line = sql`json_build_array(${columnsOf(table)})::text`
    return sql`string_agg(${line}, chr(10) order by ${line} collate "C")`
  },
} as const

const readTable = (table: Table) => {
  const hasEvents = table.columns.some(({ name }) => name === 'event')
  const others = sql`event not in (${sql.join(onlyNoted.map(sql.lit))})`
  const ofOthers = sql`event_id in (select id from audit_events where ${others})`
  const rows = hasEvents
    ? sql`where ${others}`
    : table.name === 'audit_personal'
      ? sql`where ${ofOthers}`
      : sql``
  const lines = linesOf[testsDatabase.kind](table)
  return sql`(select coalesce(${lines}, '') from ${sql.table(table.name)} t ${rows}) as ${sql.ref(table.name)}`
}

/** In one statement, where each is a way to another process. */
const compileRead = async (db: Database) => {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  const read = tables.filter(({ name }) => !leftOut.includes(name)).map(readTable)
  return sql<Contents>`select ${sql.join(read)}`.compile(db)
}

type Contents = Readonly<Record<string, string>>
type Read = () => Promise<Contents | undefined>

/**
 * PostgreSQL plans this statement for three times as long as it takes to run. So it is prepared, on a connection
 * of its own, which the database takes along when it is dropped.
 */
const openPrepared = async (url: string, text: string): Promise<Read> => {
  const client = new pg.Client({ connectionString: url, stream: () => new Socket().unref() })
  client.on('error', () => {})
  await client.connect()
  return async () => (await client.query<Contents>({ name: 'contents', text })).rows[0]
}

const openRead = async ({ db, settings }: TestApp['engine']): Promise<Read> => {
  const read = await compileRead(db)
  return testsDatabase.kind === 'postgres'
    ? openPrepared(settings.databaseUrl, read.sql)
    : async () => (await db.executeQuery(read)).rows[0]
}

const opened = new WeakMap<Database, Promise<Read>>()

/** No table comes or goes while a test runs, so the statement is made once. */
const findRead = (engine: TestApp['engine']): Promise<Read> => {
  const known = opened.get(engine.db) ?? openRead(engine)
  opened.set(engine.db, known)
  return known
}

export const readTables = async ({ engine }: TestApp): Promise<TableContents> => {
  const read = await findRead(engine)
  return new Map(Object.entries((await read()) ?? {}))
}

/** Resolves when nothing is on its way to hooks, which a request before may have sent there. */
export const untilHooksAreDone = async ({ engine: { db } }: TestApp): Promise<void> => {
  const queued = db.selectFrom('hook_events').select('id').limit(1)
  await until('the queue of hooks is empty', async () => (await queued.executeTakeFirst()) === undefined)
}

/** How many rows each table has. */
export const countRows = (contents: TableContents): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...contents].map(([name, lines]) => [name, lines === '' ? 0 : lines.split('\n').length]),
  )
