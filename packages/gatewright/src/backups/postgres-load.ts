import { CompiledQuery, sql } from 'kysely'
import { beingRestored } from '../storage/identity.ts'
import type { Database, DatabaseTransaction } from '../storage/tables.ts'
import { checkCounts } from './check-counts.ts'
import { type Ask, type Counts, quoteName } from './manifest.ts'
import type { Rows } from './postgres-rows.ts'
import { refuseForeign, type Schema } from './postgres-schema.ts'
import type { Part } from './sealed-file.ts'

type Counter = { readonly table: string; readonly column: string; readonly last: string | number | null }
type Value = Schema | Rows | { readonly counters: readonly Counter[] } | Counts

const askOf =
  (db: DatabaseTransaction): Ask =>
  async statement =>
    (await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(statement))).rows

const listTables = async (ask: Ask): Promise<readonly string[]> => {
  const rows = await ask(
    `select relname::text as name from pg_class where relkind = 'r' and relnamespace = to_regnamespace(current_schema())`,
  )
  return rows.map(({ name }) => String(name))
}

/** Whether the schema has any table. */
export const holdsTables = async (db: Database): Promise<boolean> => {
  const { rows } = await sql`
    select 1 from pg_class where relkind = 'r' and relnamespace = to_regnamespace(current_schema()) limit 1`.execute(
    db,
  )
  return rows.length > 0
}

const dropAll = async (ask: Ask): Promise<void> => {
  await refuseForeign(ask)
  for (const table of await listTables(ask)) await ask(`drop table ${quoteName(table)} cascade`)
}

const insertRows = async (
  db: DatabaseTransaction,
  { tables }: Schema,
  { rows: name, columns, values }: Rows,
): Promise<void> => {
  const table = tables.find(each => each.name === name)
  const types = new Map(table?.columns.map(column => [column.name, column.type]))
  const names = columns.map(quoteName)
  const from = columns.map((_, at) => `$${at + 1}::text[]`)
  const cast = columns.map((column, at) => `v.c${at}::${types.get(column)}`)
  const statement = `insert into ${quoteName(name)} (${names.join(', ')}) overriding system value
    select ${cast.join(', ')} from unnest(${from.join(', ')}) as v(${columns.map((_, at) => `c${at}`).join(', ')})`
  const parameters = columns.map((_, at) => values.map(row => row[at] ?? null))
  await db.executeQuery(CompiledQuery.raw(statement, parameters))
}

/** A number once given is not given again, also where its row was deleted. */
const setCounter = async (db: DatabaseTransaction, { table, column, last }: Counter): Promise<void> => {
  const most = sql`greatest(${last}::bigint, (select max(${sql.ref(column)}) from ${sql.table(table)}))`
  await sql`select setval(pg_get_serial_sequence(${quoteName(table)}, ${column}), ${most}) where ${most} > 0`.execute(
    db,
  )
}

const runAll = async (ask: Ask, statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await ask(statement)
}

const loadParts = async (
  db: DatabaseTransaction,
  parts: AsyncIterable<Part>,
): Promise<Counts | undefined> => {
  const ask = askOf(db)
  let schema: Schema | undefined
  let counts: Counts | undefined
  for await (const part of parts) {
    if (part.kind !== 'json') continue
    const value = part.value as Value
    if ('before' in value) {
      schema = value
      await runAll(ask, schema.before)
    } else if ('rows' in value && schema !== undefined) await insertRows(db, schema, value)
    else if ('counters' in value) for (const counter of value.counters) await setCounter(db, counter)
    else if ('tables' in value) counts = value
  }
  await runAll(ask, schema?.behind ?? [])
  return counts
}

const countLoaded = async (ask: Ask): Promise<Counts> => {
  const tables: Record<string, number> = {}
  for (const table of await listTables(ask)) {
    const [row] = await ask(`select count(*)::float8 as rows from ${quoteName(table)}`)
    tables[table] = Number(row?.rows)
  }
  return { tables }
}

/**
 * Of processes that worked on the copy nobody is here; numbers of transactions are those of this server; and it is
 * not to be used before it was adopted.
 */
const mark = async (db: DatabaseTransaction): Promise<void> => {
  await sql`update cut_offs set transaction_id = default`.execute(db)
  await db.deleteFrom('processes').execute()
  await db.updateTable('installation').set({ identity: beingRestored }).execute()
}

/**
 * Makes every table and row of a backup, in one transaction: all of it, or nothing.
 * @param db as the role that is to own the tables
 * @param erase tables that stand there are dropped first
 */
export const loadTables = (
  db: Database,
  parts: AsyncIterable<Part>,
  { erase }: { readonly erase: boolean },
): Promise<Counts> =>
  db.transaction().execute(async work => {
    const ask = askOf(work)
    await runAll(ask, [
      'set local idle_in_transaction_session_timeout = 0',
      'set local check_function_bodies = off',
      "set local timezone = 'UTC'",
    ])
    if (erase) await dropAll(ask)
    const counts = await loadParts(work, parts)
    checkCounts(await countLoaded(ask), counts)
    await mark(work)
    return counts ?? { tables: {} }
  })
