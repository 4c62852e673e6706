import { type CreateTableBuilder, type Kysely, SqliteAdapter } from 'kysely'

/** What SQLite and PostgreSQL spell differently in a table's definition. */
const isSqlite = <T>(db: Kysely<T>): boolean => db.getExecutor().adapter instanceof SqliteAdapter

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
