import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** Authenticator apps, before and after their first code was shown, and recovery codes. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .alterTable('users')
    .addColumn('password_needs_factor', 'integer', column => column.notNull().defaultTo(0))
    .execute()
  await db.schema
    .createTable('totp_factors')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().unique().references('users.id'))
    .addColumn('secret', 'text', column => column.notNull())
    .addColumn('last_step', milliseconds, column => column.notNull())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('last_used_at', milliseconds, column => column.notNull())
    .execute()
  await db.schema
    .createTable('totp_enrolments')
    .addColumn('session_id', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id'))
    .addColumn('secret', 'text', column => column.notNull())
    .addColumn('expires_at', milliseconds, column => column.notNull())
    .execute()
  await db.schema.createIndex('totp_enrolments_by_end').on('totp_enrolments').column('expires_at').execute()
  await db.schema.createIndex('totp_enrolments_of_user').on('totp_enrolments').column('user_id').execute()
  await db.schema
    .createTable('recovery_codes')
    .addColumn('code_hash', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id'))
    .addColumn('created_at', milliseconds, column => column.notNull())
    .execute()
  await db.schema.createIndex('recovery_codes_of_user').on('recovery_codes').column('user_id').execute()
}
