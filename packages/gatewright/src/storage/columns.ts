import { type CreateTableBuilder, type Kysely, SqliteAdapter, sql } from 'kysely'

/** What SQLite and PostgreSQL spell differently in a table's definition. */
const isSqlite = <T>(db: Kysely<T>): boolean => db.getExecutor().adapter instanceof SqliteAdapter

/** Whether the feed of this database is read in the order of transactions: see `revocation/feed.ts`. */
export const hasTransactionIds = <T>(db: Kysely<T>): boolean => !isSqlite(db)

/** The type of a column that holds milliseconds since 1970. */
export const millisecondsColumn = <T>(db: Kysely<T>): 'integer' | 'bigint' =>
  isSqlite(db) ? 'integer' : 'bigint'

/** Adds a primary key that the database counts up; a number once given is never given again. */
export const idColumn = <T, Table extends string>(
  db: Kysely<T>,
  table: CreateTableBuilder<Table>,
  name: string,
): CreateTableBuilder<Table, string> =>
  isSqlite(db)
    ? table.addColumn(name, 'integer', column => column.primaryKey().autoIncrement())
    : table.addColumn(name, 'bigint', column => column.primaryKey().generatedAlwaysAsIdentity())

/**
 * PostgreSQL's places are given before the commit, so rows become visible in another order; each row says
 * which transaction wrote it. SQLite has one writer and needs nothing.
 */
export const transactionIdColumn = <T, Table extends string, Column extends string>(
  db: Kysely<T>,
  table: CreateTableBuilder<Table, Column>,
): CreateTableBuilder<Table, Column | 'transaction_id'> =>
  isSqlite(db)
    ? table
    : table.addColumn('transaction_id', sql`xid8`, column =>
        column.notNull().defaultTo(sql`pg_current_xact_id()`),
      )
