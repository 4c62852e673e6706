import type { Compilable, CompiledQuery } from 'kysely'
import { isSqlite } from './columns.ts'
import { findShortWay } from './short-way.ts'
import type { Database } from './tables.ts'

type Value = string | number | null

/** Stands for a value while a query is built. */
type Placeholder = { readonly name: string }

const isPlaceholder = (value: unknown): value is Placeholder => typeof value === 'object' && value !== null

type Build<Input, Row> = (
  db: Database,
  value: <Name extends keyof Input & string>(name: Name) => Input[Name],
) => Compilable<Row>

/** What a prepared query did. */
export type PreparedResult<Row> = {
  readonly rows: readonly Row[]
  readonly changed: number
  /** SQLite: the number that the last row was given. */
  readonly insertedId: bigint | undefined
}

/**
 * A query that is built and compiled once, and from then on only given its values. Kysely builds a query
 * anew each time, which costs more than SQLite needs to run it: for the few that many requests make. Its shape must
 * not depend on its values.
 *
 *     const findName = prepare<{ id: string }, { username: string }>((db, value) =>
 *       db.selectFrom('users').select('username').where('id', '=', value('id')),
 *     )
 *     const { rows } = await findName(work.db, { id })
 */
export const prepare = <Input extends Readonly<Record<string, Value>>, Row = never>(
  build: Build<Input, Row>,
): ((db: Database, input: Input) => Promise<PreparedResult<Row>>) => {
  const compiled: { sqlite?: CompiledQuery<Row>; postgres?: CompiledQuery<Row> } = {}
  const placeholder = <Name extends keyof Input & string>(name: Name): Input[Name] =>
    ({ name }) as Placeholder as unknown as Input[Name]
  return async (db, input) => {
    const kind = isSqlite(db) ? 'sqlite' : 'postgres'
    compiled[kind] ??= build(db.withoutPlugins(), placeholder).compile()
    const query = compiled[kind]
    const parameters = query.parameters.map(value => (isPlaceholder(value) ? input[value.name] : value))
    const { connection } = findShortWay(db) ?? { connection: db }
    const { rows, numAffectedRows, insertId } = await connection.executeQuery({ ...query, parameters })
    return { rows: rows as readonly Row[], changed: Number(numAffectedRows ?? 0n), insertedId: insertId }
  }
}
