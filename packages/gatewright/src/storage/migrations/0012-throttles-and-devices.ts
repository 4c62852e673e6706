import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** Counters of sign-ins that were tried, and the browsers that their users have signed in with. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .createTable('sign_in_throttles')
    .addColumn('key', 'text', column => column.primaryKey())
    .addColumn('wrong', 'integer', column => column.notNull())
    .addColumn('open_at', milliseconds, column => column.notNull())
    .addColumn('tat', milliseconds, column => column.notNull())
    .addColumn('forgotten_at', milliseconds, column => column.notNull())
    .execute()
  await db.schema
    .createIndex('sign_in_throttles_by_end')
    .on('sign_in_throttles')
    .column('forgotten_at')
    .execute()
  await db.schema
    .createTable('known_devices')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id'))
    .addColumn('secret_hash', 'text', column => column.notNull())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('last_used_at', milliseconds, column => column.notNull())
    .addUniqueConstraint('known_devices_of_secret', ['secret_hash', 'user_id'])
    .execute()
  await db.schema
    .createIndex('known_devices_of_user')
    .on('known_devices')
    .columns(['user_id', 'last_used_at'])
    .execute()
  await db.schema.createIndex('known_devices_by_use').on('known_devices').column('last_used_at').execute()
  await db.schema.alterTable('sessions').addColumn('known_device_id', 'text').execute()
}
