import { type CreateTableBuilder, type Kysely, SqliteAdapter, sql } from 'kysely'

/** Where SQLite and PostgreSQL differ by more than Kysely makes one. */
export const isSqlite = (db: { readonly getExecutor: () => { readonly adapter: unknown } }): boolean =>
  db.getExecutor().adapter instanceof SqliteAdapter

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
/** Makes a text column sort by code points, as SQLite does by itself, whatever the language of the database. */
export const sortByCodePoints = async <T>(db: Kysely<T>, table: string, column: string): Promise<void> => {
  if (isSqlite(db)) return
  const { schema } = db
  await schema
    .alterTable(table)
    .alterColumn(column, change => change.setDataType(sql`text collate "C"`))
    .execute()
}
