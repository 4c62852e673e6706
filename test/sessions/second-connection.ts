import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from 'gatewright/compose'
import { isBusy } from '../../packages/gatewright/src/storage/sqlite-failure.ts'
import { openBlockingClient } from '../postgres/blocking-client.ts'

type Row = Record<string, unknown>

export type SecondConnection = {
  readonly rows: (sql: string, ...values: SQLInputValue[]) => Row[]
  readonly row: (sql: string, ...values: SQLInputValue[]) => Row | undefined
  /** Waits while the engine writes: on SQLite for as long as it holds the only lock. */
  readonly run: (sql: string, ...values: SQLInputValue[]) => Promise<void>
  /** How the database would answer, step by step; on PostgreSQL, as if every table were large. */
  readonly planOf: (sql: string, ...values: SQLInputValue[]) => string[]
  /** Nobody else writes to the table (on SQLite, anywhere) until it is let go. */
  readonly holdWrites: (table: string) => Promise<() => void>
  /** Resolves when so many wait for a lock; on SQLite, where one waits for all, soon. */
  readonly untilBlocked: (count: number) => Promise<void>
  /** Resolves when what the engine has asked the database is answered. */
  readonly settle: () => Promise<void>
  readonly close: () => void
}

const immediate = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const longestWait = 5_000

/**
 * The lock may be this process's own: its beat, its hooks and its counts write when they like. Who waited for it
 * as SQLite does, with the whole process, would wait in vain.
 */
const whenFree = async (act: () => unknown): Promise<void> => {
  for (const end = performance.now() + longestWait; ; ) {
    try {
      return void act()
    } catch (error) {
      if (!isBusy(error) || performance.now() > end) throw error
      await delay(1)
    }
  }
}

const openFile = (file: string): SecondConnection => {
  const database = new DatabaseSync(file, { timeout: 0 })
  return {
    rows: (sql, ...values) => database.prepare(sql).all(...values),
    row: (sql, ...values) => database.prepare(sql).get(...values),
    run: (sql, ...values) => whenFree(() => database.prepare(sql).run(...values)),
    planOf: (sql, ...values) =>
      database
        .prepare(`explain query plan ${sql}`)
        .all(...values)
        .map(({ detail }) => String(detail)),
    holdWrites: async () => {
      await whenFree(() => database.exec('begin immediate'))
      return () => database.exec('rollback')
    },
    untilBlocked: immediate,
    settle: immediate,
    close: () => database.close(),
  }
}

const othersAtWork = `select 1 from pg_stat_activity
  where datname = current_database() and state = 'active' and pid <> pg_backend_pid() and wait_event_type is distinct from 'Lock'`

const blocked = `select 1 from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`

const openServer = (url: string): SecondConnection => {
  const { query, close } = openBlockingClient(url)
  return {
    rows: query,
    row: (sql, ...values) => query(sql, ...values)[0],
    run: async (sql, ...values) => void query(sql, ...values),
    planOf: (sql, ...values) => {
      query('set enable_seqscan = off')
      return query(`explain ${sql}`, ...values).map(row => String(row['QUERY PLAN']))
    },
    holdWrites: async table => {
      query('begin')
      query(`lock table ${table} in exclusive mode`)
      return () => void query('rollback')
    },
    untilBlocked: async count => {
      while (query(blocked).length < count) await delay(1)
    },
    settle: async () => {
      // To the server, there, and back.
      for (let turn = 0; turn < 5; turn++) await delay(1)
      while (query(othersAtWork).length > 0) await immediate()
      for (let turn = 0; turn < 5; turn++) await delay(1)
    },
    close,
  }
}

/** The engine's database over a connection of its own: what it reads is committed. */
export const openSecondConnection = ({
  settings: { databaseUrl },
}: Pick<Engine, 'settings'>): SecondConnection =>
  databaseUrl.startsWith('sqlite:') ? openFile(databaseUrl.slice('sqlite:'.length)) : openServer(databaseUrl)
