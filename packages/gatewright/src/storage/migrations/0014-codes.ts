import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** Codes and links that are open: each good once, for one purpose, until its time. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .createTable('codes')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('purpose', 'text', column => column.notNull())
    .addColumn('secret_hash', 'text', column => column.notNull().unique())
    .addColumn('user_id', 'text', column => column.references('users.id'))
    .addColumn('session_id', 'text')
    .addColumn('data', 'text', column => column.notNull())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('expires_at', milliseconds, column => column.notNull())
    .execute()
  await db.schema.createIndex('codes_of_user').on('codes').columns(['user_id', 'purpose']).execute()
  await db.schema.createIndex('codes_of_session').on('codes').column('session_id').execute()
  await db.schema.createIndex('codes_by_end').on('codes').column('expires_at').execute()
}
