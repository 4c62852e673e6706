import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Engine } from 'gatewright/compose'
import { openBlockingClient } from '../postgres/blocking-client.ts'

type Row = Record<string, unknown>

export type SecondConnection = {
  readonly rows: (sql: string, ...values: SQLInputValue[]) => Row[]
  readonly row: (sql: string, ...values: SQLInputValue[]) => Row | undefined
  readonly run: (sql: string, ...values: SQLInputValue[]) => void
  readonly close: () => void
}

const openFile = (file: string): SecondConnection => {
  const database = new DatabaseSync(file, { timeout: 1_000 })
  return {
    rows: (sql, ...values) => database.prepare(sql).all(...values),
    row: (sql, ...values) => database.prepare(sql).get(...values),
    run: (sql, ...values) => void database.prepare(sql).run(...values),
    close: () => database.close(),
  }
}

const openServer = (url: string): SecondConnection => {
  const { query, close } = openBlockingClient(url)
  return {
    rows: query,
    row: (sql, ...values) => query(sql, ...values)[0],
    run: (sql, ...values) => void query(sql, ...values),
    close,
  }
}

/** The engine's database over a connection of its own: what it reads is committed. */
export const openSecondConnection = ({
  settings: { databaseUrl },
}: Pick<Engine, 'settings'>): SecondConnection =>
  databaseUrl.startsWith('sqlite:') ? openFile(databaseUrl.slice('sqlite:'.length)) : openServer(databaseUrl)
