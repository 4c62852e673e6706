import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type SelectModifierNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { isBusy } from './sqlite-failure.ts'

/** How hard a commit is: `full` survives a power cut; `off` is for tests of logic only. */
export type Durability = 'full' | 'off'

/** How many prepared statements a connection keeps. */
const statementCacheSize = 512

/** How often and after how many milliseconds a statement is tried again beside another process's write. */
const busyRetry = { attempts: 500, pause: 10 } as const

/**
 * `node:sqlite` takes an object or Date in first place for named parameters and shifts the rest by one
 * column, so only values that SQLite stores as they are get through.
 */
const checkBindings = (parameters: readonly unknown[]): SQLInputValue[] =>
  parameters.map(value => {
    if (
      value === null ||
      typeof value === 'string' ||
      typeof value === 'number' ||
      value instanceof Uint8Array
    )
      return value
    throw new TypeError(`a query parameter must be text, a number, bytes or null, not ${typeof value}`)
  })

const block = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** At the start nothing else waits: with several processes starting at once it is tried again. */
const enterWal = (database: DatabaseSync): void => {
  for (let attempt = 1; ; attempt++) {
    try {
      database.exec('pragma journal_mode = wal')
      return
    } catch (error) {
      if (attempt === 200 || !isBusy(error)) throw error
      block(25)
    }
  }
}

/**
 * Opens the file in WAL with full durability, foreign keys held. SQLite's own waiting is off: it would
 * hold the whole process, requests that need no database included.
 */
export const openSqlite = (path: string, durability: Durability): DatabaseSync => {
  const database = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: true })
  enterWal(database)
  database.exec(`pragma synchronous = ${durability === 'full' ? 'full' : 'off'}; pragma trusted_schema = off`)
  if (process.platform === 'darwin' && durability === 'full') database.exec('pragma fullfsync = on')
  return database
}

/**
 * Tries again while another process holds the lock; other work goes on meanwhile. The patience is one for
 * all who wait behind the same lock: once it is used up they fail at once, until a write goes through.
 */
const createPatience = () => {
  let refused = 0
  return async <T>(run: () => T, isWrite: boolean): Promise<T> => {
    for (;;) {
      try {
        const result = run()
        if (isWrite) refused = 0
        return result
      } catch (error) {
        if (refused >= busyRetry.attempts || !isBusy(error)) throw error
        refused += 1
        await delay(busyRetry.pause)
      }
    }
  }
}

const createConnection = (database: DatabaseSync): DatabaseConnection => {
  const statements = new Map<string, StatementSync>()
  const patiently = createPatience()
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    if (statements.size >= statementCacheSize) statements.clear()
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const statement = await patiently(() => prepare(sql), false)
      const values = checkBindings(parameters)
      if (statement.columns().length > 0)
        return { rows: await patiently(() => statement.all(...values) as R[], false) }
      const { changes, lastInsertRowid } = await patiently(() => statement.run(...values), true)
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
    },
    streamQuery() {
      throw new TypeError('streaming is not offered on SQLite: page instead')
    },
  }
}

/** One user of the connection at a time, in order of asking. */
const createMutex = (): { acquire: () => Promise<void>; release: () => void } => {
  const waiting: (() => void)[] = []
  let held = false
  return {
    acquire: () => {
      if (held) return new Promise<void>(resolve => waiting.push(resolve))
      held = true
      return Promise.resolve()
    },
    release: () => {
      const next = waiting.shift()
      if (next === undefined) held = false
      else next()
    },
  }
}

const createDriver = (database: DatabaseSync): Driver => {
  const connection = createConnection(database)
  const mutex = createMutex()
  const run = async (sql: string): Promise<void> => {
    await connection.executeQuery(CompiledQuery.raw(sql))
  }
  return {
    init: async () => {},
    acquireConnection: async () => {
      await mutex.acquire()
      return connection
    },
    releaseConnection: async () => mutex.release(),
    // Immediate: a transaction that reads first and writes later would fail at once beside another writer.
    beginTransaction: () => run('begin immediate'),
    commitTransaction: () => run('commit'),
    rollbackTransaction: async () => {
      if (database.isTransaction) await run('rollback')
    },
    destroy: async () => database.close(),
  }
}

/** Says that DDL is transactional, so that a migration runs whole, under SQLite's one write lock. */
class LockingSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** Locks of rows, as PostgreSQL needs them, are left out: a transaction holds the only write lock. */
class LockingSqliteQueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === undefined || !/^For|^SkipLocked$/.test(node.modifier))
      super.visitSelectModifier(node)
  }
}

/** Kysely's dialect over `node:sqlite`. */
export const createSqliteDialect = (database: DatabaseSync): Dialect => ({
  createAdapter: () => new LockingSqliteAdapter(),
  createDriver: () => createDriver(database),
  createIntrospector: db => new SqliteIntrospector(db),
  createQueryCompiler: () => new LockingSqliteQueryCompiler(),
})
