import { sql } from 'kysely'
import type { TestApp } from './harness.ts'

/** Every row of every table, by table: what a request may or may not have changed. */
export type TableContents = ReadonlyMap<string, readonly unknown[]>

export const readTables = async ({ engine: { db } }: TestApp): Promise<TableContents> => {
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(
    db,
  )
  const contents = new Map<string, readonly unknown[]>()
  for (const { name } of rows)
    contents.set(name, (await sql`select * from ${sql.table(name)}`.execute(db)).rows)
  return contents
}

/** How many rows each table has. */
export const countRows = (contents: TableContents): Readonly<Record<string, number>> =>
  Object.fromEntries([...contents].map(([name, rows]) => [name, rows.length]))
