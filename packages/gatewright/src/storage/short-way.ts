import type { DatabaseConnection } from 'kysely'
import type { Database, DatabaseTransaction } from './tables.ts'

/**
 * What a `Database` of ours stands on, for queries and transactions that go there past Kysely's executors,
 * which cost more than what SQLite does. Only of those that this process opened: one with a plugin, or
 * another one round it, has none and goes the long way.
 */
export type ShortWay = {
  /** Runs a compiled query in the transaction, or outside any. */
  readonly connection: Pick<DatabaseConnection, 'executeQuery'>
  /** Runs `body` in a transaction that is committed with it, or rolled back with what it throws. */
  readonly transact?: <T>(body: (transaction: DatabaseTransaction) => Promise<T>) => Promise<T>
}

const ways = new WeakMap<Database, ShortWay>()

export const findShortWay = (db: Database): ShortWay | undefined => ways.get(db)

export const giveShortWay = <DB extends Database>(db: DB, way: ShortWay): DB => {
  ways.set(db, way)
  return db
}
