import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import type { Engine } from 'gatewright/compose'

type Row = Record<string, SQLOutputValue>

export type SecondConnection = {
  readonly rows: (sql: string, ...values: SQLInputValue[]) => Row[]
  readonly row: (sql: string, ...values: SQLInputValue[]) => Row | undefined
  readonly run: (sql: string, ...values: SQLInputValue[]) => void
  readonly close: () => void
}

/** The engine's database over a connection of its own: what it reads is committed. */
export const openSecondConnection = ({ settings }: Pick<Engine, 'settings'>): SecondConnection => {
  const database = new DatabaseSync(settings.databaseUrl.slice('sqlite:'.length), { timeout: 1_000 })
  return {
    rows: (sql, ...values) => database.prepare(sql).all(...values),
    row: (sql, ...values) => database.prepare(sql).get(...values),
    run: (sql, ...values) => void database.prepare(sql).run(...values),
    close: () => database.close(),
  }
}
