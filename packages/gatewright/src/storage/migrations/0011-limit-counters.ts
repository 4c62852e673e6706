import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** Limits that all processes count together. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema
    .createTable('limit_counters')
    .addColumn('key', 'text', column => column.primaryKey())
    // A statement that must not charge this counter sets it to null, which fails the whole of it.
    .addColumn('tat', millisecondsColumn(db), column => column.notNull())
    .execute()
  await db.schema.createIndex('limit_counters_by_tat').on('limit_counters').column('tat').execute()
}
