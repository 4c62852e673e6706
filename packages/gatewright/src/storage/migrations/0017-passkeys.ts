import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** Passkeys of users. A credential id belongs to one of them, whoever else names it. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .createTable('passkeys')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id'))
    .addColumn('credential_id', 'text', column => column.notNull().unique())
    .addColumn('user_handle', 'text', column => column.notNull())
    .addColumn('public_key', 'text', column => column.notNull())
    // 32 bits without a sign: more than PostgreSQL's integer holds.
    .addColumn('counter', milliseconds, column => column.notNull())
    .addColumn('transports', 'text', column => column.notNull())
    .addColumn('backup_eligible', 'integer', column => column.notNull())
    .addColumn('backed_up', 'integer', column => column.notNull())
    .addColumn('aaguid', 'text', column => column.notNull())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('last_used_at', milliseconds)
    .addColumn('cloned_at', milliseconds)
    .execute()
  await db.schema.createIndex('passkeys_of_user').on('passkeys').columns(['user_id', 'created_at']).execute()
}
