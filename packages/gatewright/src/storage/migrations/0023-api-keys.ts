import type { Kysely } from 'kysely'

/** Who made a key, and whether that session had shown a second factor. Adds columns only: no row is touched. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema.alterTable('api_keys').addColumn('made_by', 'text').execute()
  await db.schema
    .alterTable('api_keys')
    .addColumn('has_factor', 'integer', column => column.notNull().defaultTo(0))
    .execute()
}
