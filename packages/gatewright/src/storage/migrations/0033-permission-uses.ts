import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/**
 * The last day on which a permission was used, by whom and by which role; since when roles are held; since when uses
 * are noted. Adds a table and columns only: no row is touched.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .createTable('permission_uses')
    .addColumn('holder_kind', 'text', column => column.notNull())
    .addColumn('holder_id', 'text', column => column.notNull())
    .addColumn('permission', 'text', column => column.notNull())
    .addColumn('last_day', milliseconds, column => column.notNull())
    .addPrimaryKeyConstraint('permission_uses_key', ['holder_kind', 'holder_id', 'permission'])
    .execute()
  await db.schema.createIndex('permission_uses_by_day').on('permission_uses').column('last_day').execute()
  await db.schema.alterTable('user_roles').addColumn('granted_at', milliseconds).execute()
  await db.schema.alterTable('installation').addColumn('uses_noted_since', milliseconds).execute()
}
