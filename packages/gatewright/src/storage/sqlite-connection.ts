import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { CompiledQuery, QueryResult } from 'kysely'
import { remembered } from '../ground/remembered.ts'
import { isBusy } from './sqlite-failure.ts'

/** How hard a commit is: `full` survives a power cut; `off` is for tests of logic only. */
export type Durability = 'full' | 'off'

/** How many prepared statements a connection keeps. */
const statementCacheSize = 512

/** How long the log may grow, in pages of 4 KiB, before it is written back to the file. */
const pagesOfLog = 4_000

/** How much of the file a connection keeps at hand, in KiB: as it is used, not at once. */
const pageCache = 32_768

/** How often and after how many milliseconds a statement is tried again beside another process's write. */
const busyRetry = { attempts: 500, pause: 10 } as const

/**
 * `node:sqlite` takes an object or Date in first place for named parameters and shifts the rest by one
 * column, so only values that SQLite stores as they are get through.
 */
const checkBindings = (parameters: readonly unknown[]): SQLInputValue[] => {
  for (const value of parameters)
    if (
      value !== null &&
      typeof value !== 'string' &&
      typeof value !== 'number' &&
      !(value instanceof Uint8Array)
    )
      throw new TypeError(`a query parameter must be text, a number, bytes or null, not ${typeof value}`)
  return parameters as SQLInputValue[]
}

const block = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/**
 * At the start nothing else waits: with several processes starting at once it is tried again. What reads makes
 * the file of the log.
 */
const enterWal = (database: DatabaseSync): void => {
  for (let attempt = 1; ; attempt++) {
    try {
      database.exec('pragma journal_mode = wal; select 1 from sqlite_schema')
      return
    } catch (error) {
      if (attempt === 200 || !isBusy(error)) throw error
      block(25)
    }
  }
}

/** SQLite's own waiting is off: it would hold the whole process, requests that need no database included. */
const connect = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: true })
  database.exec('pragma trusted_schema = off')
  // What is deleted is written over: else an erased address stands in the file until something needs the place.
  database.exec('pragma secure_delete = on')
  return database
}

/** Opens the file in WAL with full durability, foreign keys held. */
export const openSqlite = (path: string, durability: Durability): DatabaseSync => {
  const database = connect(path)
  enterWal(database)
  database.exec(`pragma synchronous = ${durability === 'full' ? 'full' : 'off'}`)
  // Rows that are written again and again then go from the log to the file once and not often.
  database.exec(`pragma wal_autocheckpoint = ${pagesOfLog}`)
  database.exec(`pragma cache_size = -${pageCache}`)
  if (process.platform === 'darwin' && durability === 'full') database.exec('pragma fullfsync = on')
  return database
}

/** A second connection to the file of the first, which sees what is committed and writes nothing. */
export const openReader = (database: DatabaseSync): DatabaseSync => {
  const reader = connect(database.location() ?? '')
  reader.exec('pragma query_only = on')
  return reader
}

/** Runs one statement, whatever else is under way on the connection. */
export type Execute = <R>(query: Pick<CompiledQuery, 'sql' | 'parameters'>) => Promise<QueryResult<R>>

type Row = Record<string, unknown>
type Run = (values: SQLInputValue[]) => QueryResult<Row>

/** Of a shape that V8 knows: the objects that `node:sqlite` makes are slow to make and to read. */
const toRow =
  (names: readonly string[]) =>
  (values: readonly unknown[]): Row => {
    const row: Row = {}
    names.forEach((name, at) => {
      row[name] = values[at]
    })
    return row
  }

/**
 * How a statement is run. SQLite is asked once for the columns that it answers with, unless they are not
 * written out: what `*` stands for changes with the tables.
 */
const toRun = (statement: StatementSync, sql: string): Run => {
  const names = statement.columns().map(({ name }) => name)
  if (names.length === 0)
    return values => {
      const { changes, lastInsertRowid } = statement.run(...values)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    }
  if (sql.includes('*')) return values => ({ rows: statement.all(...values) })
  statement.setReturnArrays(true)
  const name = toRow(names)
  return values => ({ rows: (statement.all(...values) as unknown as unknown[][]).map(name) })
}

/** The statements of a connection, each prepared once. */
const createPrepare = (database: DatabaseSync): ((sql: string) => Run) =>
  remembered(sql => toRun(database.prepare(sql), sql), statementCacheSize)

/**
 * While another process holds the lock a statement is tried again, and other work goes on. The patience is
 * one for all who wait behind the same lock: once it is used up they fail at once, until a statement goes
 * through, which the connection that only reads can hope for as well.
 */
export const createExecute = (database: DatabaseSync): Execute => {
  const prepare = createPrepare(database)
  let refused = 0
  return async <R>({ sql, parameters }: Pick<CompiledQuery, 'sql' | 'parameters'>) => {
    const values = checkBindings(parameters)
    for (;;) {
      try {
        const result = prepare(sql)(values)
        refused = 0
        return result as QueryResult<R>
      } catch (error) {
        if (refused >= busyRetry.attempts || !isBusy(error)) throw error
        refused += 1
        await delay(busyRetry.pause)
      }
    }
  }
}
