import { type CreateTableBuilder, type Kysely, SqliteAdapter, sql } from 'kysely'

/** What SQLite and PostgreSQL spell differently in a table's definition. */
export const isSqlite = <T>(db: Kysely<T>): boolean => db.getExecutor().adapter instanceof SqliteAdapter

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

/** Makes a text column sort by code points, as SQLite does by itself, whatever the language of the database. */
export const sortByCodePoints = async <T>(db: Kysely<T>, table: string, column: string): Promise<void> => {
  if (isSqlite(db)) return
  const { schema } = db
  await schema
    .alterTable(table)
    .alterColumn(column, change => change.setDataType(sql`text collate "C"`))
    .execute()
}
