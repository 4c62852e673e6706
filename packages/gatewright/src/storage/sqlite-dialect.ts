import type { DatabaseSync } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  type SelectModifierNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TableNode,
  Transaction,
} from 'kysely'
import { giveDatabaseFigures } from './database-figures.ts'
import { createTurns, type Turn, type Turns } from './group-commit.ts'
import { giveShortWay } from './short-way.ts'
import { createExecute, type Execute, openReader } from './sqlite-connection.ts'
import { DatabaseLost, type OpenFile } from './sqlite-file.ts'
import type { Database, DatabaseTransaction, Tables } from './tables.ts'
import { createWriteLog, NotOnDisk, openLogFile, type WriteLog } from './write-log.ts'

type Connections = {
  readonly database: DatabaseSync
  readonly write: Execute
  /** Sees what is committed, at any time. */
  readonly read: Execute
  readonly turns: Turns
  readonly log: WriteLog
  readonly close: () => Promise<void>
}

/** What one user of the database holds: nothing, or the turn of its transaction. */
type HeldConnection = DatabaseConnection & { turn: Turn | undefined }

/**
 * A statement of a transaction. One that the database has ended must not go on without it, and one that nobody
 * has waited for must not become part of the next one.
 */
const executeInTurn = async <R>(
  { database, write, turns }: Connections,
  turn: Turn,
  query: CompiledQuery,
): Promise<QueryResult<R>> => {
  if (turn.isOver()) throw new Error('this transaction is over: a query of it was not awaited')
  if (!database.isTransaction) throw new Error('the database has ended this transaction')
  try {
    return await write<R>(query)
  } catch (error) {
    await turns.noteFailure(error)
    throw error
  }
}

const runInTurn = async <T>({ turns }: Connections, run: (turn: Turn) => Promise<T>): Promise<T> => {
  const turn = await turns.begin()
  try {
    const result = await run(turn)
    await turn.commit()
    return result
  } catch (error) {
    await turn.rollback()
    throw error
  }
}

/** Whether a statement only reads. One that only looks so is refused by the connection that reads. */
const isRead = ({ query, sql }: CompiledQuery): boolean =>
  query.kind === 'SelectQueryNode' || (query.kind === 'RawNode' && /^\s*(select|with)\b/i.test(sql))

/**
 * Counts of what was tried. A power cut that takes the last of them lets through what it stopped: so nobody
 * waits for the disk.
 */
const losableTables: ReadonlySet<string> = new Set(['limit_counters', 'sign_in_throttles'])

const isLosable = ({ query }: CompiledQuery): boolean => {
  if (query.kind === 'InsertQueryNode') return losableTables.has(query.into?.table.identifier.name ?? '')
  if (query.kind !== 'UpdateQueryNode' || query.table?.kind !== 'TableNode') return false
  return losableTables.has((query.table as TableNode).table.identifier.name)
}

/** What is written by hand may be a pragma, or anything. */
const executeRaw = async <R>(
  { write, turns, log }: Connections,
  query: CompiledQuery,
): Promise<QueryResult<R>> => {
  const result = await turns.runAlone(async () => {
    await log.mend()
    return write<R>(query)
  })
  await log.persist()
  return result
}

/** A statement outside any transaction. */
const executeAlone = <R>(connections: Connections, query: CompiledQuery): Promise<QueryResult<R>> => {
  const { read, write, turns } = connections
  if (isRead(query)) return read<R>(query)
  if (isLosable(query)) return turns.runAlone(() => write<R>(query))
  if (query.query.kind === 'RawNode') return executeRaw<R>(connections, query)
  return runInTurn(connections, turn => executeInTurn<R>(connections, turn, query))
}

const holdConnection = (connections: Connections, turn?: Turn): HeldConnection => {
  const held: HeldConnection = {
    turn,
    executeQuery: <R>(query: CompiledQuery) =>
      held.turn === undefined
        ? executeAlone<R>(connections, query)
        : executeInTurn<R>(connections, held.turn, query),
    streamQuery() {
      throw new TypeError('streaming is not offered on SQLite: page instead')
    },
  }
  return held
}

const readPragma = (database: DatabaseSync, pragma: string): unknown =>
  Object.values(database.prepare(`pragma ${pragma}`).get() ?? {})[0]

/** Of tests that prove logic alone, and of a database that has no log. */
const noLog: WriteLog = { persist: async () => {}, mend: async () => {}, close: async () => {} }

/** Where SQLite would wait for the disk at each commit, the log does it in its place. */
const takeLog = (database: DatabaseSync, write: Execute, openLog: typeof openLogFile): WriteLog => {
  if (readPragma(database, 'journal_mode') !== 'wal' || readPragma(database, 'synchronous') !== 2)
    return noLog
  database.exec('pragma synchronous = normal')
  return createWriteLog(openLog(database.location() ?? ''), async () => {
    const { rows } = await write<{ readonly busy: number }>({
      sql: 'pragma wal_checkpoint(truncate)',
      parameters: [],
    })
    if (rows[0]?.busy !== 0) throw new NotOnDisk('the log of writes is in use, and can not be emptied')
  })
}

const connectTo = (
  database: DatabaseSync,
  file: OpenFile | undefined,
  openLog: typeof openLogFile,
): Connections => {
  const write = createExecute(database)
  const log = takeLog(database, write, openLog)
  /** What is committed into a file that nobody will ever open is not committed. */
  const run = async (sql: string): Promise<void> => {
    if (sql === 'begin immediate') await log.mend()
    await write({ sql, parameters: [] })
    if (sql === 'commit' && file?.isLost())
      throw new DatabaseLost('the file of the database is no longer there')
  }
  const turns = createTurns({ run, isInTransaction: () => database.isTransaction, persist: log.persist })
  const reader = openReader(database)
  const close = () =>
    turns.runAlone(async () => {
      file?.close()
      reader.close()
      await log.close()
      database.close()
    })
  return { database, write, read: createExecute(reader), turns, log, close }
}

const createDriver = (connections: Connections): Driver => ({
  init: async () => {},
  acquireConnection: async () => holdConnection(connections),
  releaseConnection: async () => {},
  beginTransaction: async connection => {
    ;(connection as HeldConnection).turn = await connections.turns.begin()
  },
  commitTransaction: async connection => (connection as HeldConnection).turn?.commit(),
  rollbackTransaction: async connection => (connection as HeldConnection).turn?.rollback(),
  destroy: connections.close,
})

class TransactionalSqliteAdapter extends SqliteAdapter {
  /** A migration runs whole, under SQLite's one write lock. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }

  /** Else whoever waits for a commit would keep all others from joining it. */
  override get supportsMultipleConnections(): boolean {
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
const createDialect = (driver: Driver): Dialect => ({
  createAdapter: () => new TransactionalSqliteAdapter(),
  createDriver: () => driver,
  createIntrospector: db => new SqliteIntrospector(db),
  createQueryCompiler: () => new LockingSqliteQueryCompiler(),
})

/**
 * Kysely over `node:sqlite`, and the short way past it for what many requests do.
 * @param file what was opened, where somebody watches it
 */
export const openKysely = (
  database: DatabaseSync,
  { file, openLog = openLogFile }: { readonly file?: OpenFile; readonly openLog?: typeof openLogFile } = {},
): Database => {
  const connections = connectTo(database, file, openLog)
  const driver = createDriver(connections)
  const dialect = createDialect(driver)
  const db = new Kysely<Tables>({ dialect })
  // Kysely closes only what it has used itself.
  void db.getExecutor().provideConnection(async () => {})

  const begin = (turn: Turn): DatabaseTransaction => {
    const connection = holdConnection(connections, turn)
    const executor = db.getExecutor().withConnectionProvider({ provideConnection: use => use(connection) })
    const transaction = new Transaction<Tables>({ config: { dialect }, dialect, driver, executor })
    return giveShortWay(transaction, { connection })
  }
  giveDatabaseFigures(db, connections.turns.figures)
  return giveShortWay(db, {
    connection: holdConnection(connections),
    transact: body => runInTurn(connections, turn => body(begin(turn))),
  })
}
