import { CompiledQuery } from 'kysely'
import type { Database } from '../storage/tables.ts'
import { type Ask, type Counts, type Facts, quoteName, readFacts } from './manifest.ts'
import { readCounters, readSchema, type Schema, type Table } from './postgres-schema.ts'
import type { Part } from './sealed-file.ts'

/** A part of the rows of a table: each value as the text that PostgreSQL writes it as. */
export type Rows = {
  readonly rows: string
  readonly columns: readonly string[]
  readonly values: readonly Row[]
}
type Row = readonly (string | null)[]

const mostRows = 500
/** Characters of a part, more or less: whoever reads it holds it whole, and rows may be as large as users make them. */
const enough = 4 * 1024 * 1024

/** Every value is written as a text that reads the same on every server. */
const settings = [
  'begin isolation level repeatable read, read only',
  "set local datestyle = 'ISO, YMD'",
  "set local intervalstyle = 'iso_8601'",
  "set local timezone = 'UTC'",
  'set local extra_float_digits = 1',
  "set local bytea_output = 'hex'",
  'set local statement_timeout = 0',
  'set local idle_in_transaction_session_timeout = 0',
]

/** Columns whose values are rows' own, and not made from others. */
const copiedColumns = ({ columns }: Table): readonly Table['columns'][number][] =>
  columns.filter(({ generated }) => !generated)

const lengthOf = (row: Row): number => row.reduce((sum, text) => sum + (text?.length ?? 0), 0)

/** Rows that go into one part together. */
function* toBatches(rows: readonly Row[]): Generator<readonly Row[]> {
  let held: Row[] = []
  let length = 0
  for (const row of rows) {
    held.push(row)
    length += lengthOf(row)
    if (length < enough) continue
    yield held
    held = []
    length = 0
  }
  if (held.length > 0) yield held
}

/** How many rows like these are enough. */
const fitting = (rows: readonly Row[]): number => {
  const length = rows.reduce((sum, row) => sum + lengthOf(row), 1)
  return Math.max(1, Math.min(mostRows, Math.floor((rows.length * enough) / length)))
}

async function* readRows(ask: Ask, table: Table, counts: Record<string, number>): AsyncGenerator<Part> {
  const columns = copiedColumns(table).map(({ name }) => name)
  const texts = columns.map((name, at) => `${quoteName(name)}::text as "${at}"`)
  counts[table.name] = 0
  if (columns.length === 0) return
  await ask(`declare copied no scroll cursor for select ${texts.join(', ')} from ${quoteName(table.name)}`)
  for (let next = 20; ; ) {
    const found = await ask(`fetch ${next} from copied`)
    if (found.length === 0) break
    counts[table.name] = (counts[table.name] ?? 0) + found.length
    const rows = found.map(row => columns.map((_, at) => row[at] as string | null))
    next = fitting(rows)
    for (const values of toBatches(rows))
      yield { kind: 'json', value: { rows: table.name, columns, values } satisfies Rows }
  }
  await ask('close copied')
}

export type Snapshot = {
  readonly facts: Facts & { readonly schema: string }
  /** Once all was read. */
  readonly counts: () => Counts
  readonly parts: () => AsyncGenerator<Part>
}

const toSnapshot = async (ask: Ask): Promise<Snapshot> => {
  const schema = await readSchema(ask)
  const names = schema.tables.map(({ name }) => name)
  const tables: Record<string, number> = {}
  return {
    facts: { ...(await readFacts(ask, names)), schema: schema.name },
    counts: () => ({ tables }),
    parts: () => readAll(ask, schema, tables),
  }
}

async function* readAll(ask: Ask, schema: Schema, counts: Record<string, number>): AsyncGenerator<Part> {
  yield { kind: 'json', value: schema }
  for (const table of schema.tables) yield* readRows(ask, table, counts)
  yield { kind: 'json', value: { counters: await ask(readCounters) } }
  yield { kind: 'json', value: { tables: counts } }
}

/**
 * Lets `use` read the whole database as it is at one moment: in one transaction that only reads, and holds up nobody
 * who writes. Who changes the tables themselves waits for it.
 */
export const withSnapshot = <T>(db: Database, use: (snapshot: Snapshot) => Promise<T>): Promise<T> =>
  db.connection().execute(async connection => {
    const ask: Ask = async statement =>
      (await connection.executeQuery<Record<string, unknown>>(CompiledQuery.raw(statement))).rows
    try {
      for (const statement of settings) await ask(statement)
      return await use(await toSnapshot(ask))
    } finally {
      await ask('rollback').catch(() => {})
    }
  })
