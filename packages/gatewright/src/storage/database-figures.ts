import type { Database } from './tables.ts'

/** How a process stands with its database. */
export type DatabaseFigures = {
  /** PostgreSQL: connections that somebody has. SQLite: whether a transaction is at work. */
  readonly inUse: number
  /** Those who wait for one. */
  readonly waiting: number
  /** SQLite: transactions that were committed, and how often the database was told to commit for them. */
  readonly transactions?: number
  readonly commits?: number
}

const figures = new WeakMap<Database, () => DatabaseFigures>()

/** Of databases that this process opened. */
export const readDatabaseFigures = (db: Database): DatabaseFigures | undefined => figures.get(db)?.()

export const giveDatabaseFigures = <DB extends Database>(db: DB, read: () => DatabaseFigures): DB => {
  figures.set(db, read)
  return db
}
