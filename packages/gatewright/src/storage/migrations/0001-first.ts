import type { Kysely } from 'kysely'
import { idColumn, isSqlite, millisecondsColumn, transactionIdColumn } from '../columns.ts'

/** The tables of the first version. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const time = millisecondsColumn(db)
  const { schema } = db

  await schema
    .createTable('installation')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('epoch', 'text', column => column.notNull())
    .addColumn('secret_id', 'text', column => column.notNull())
    .addColumn('first_administrator_at', time)
    .addColumn('created_at', time, column => column.notNull())
    .execute()

  await schema
    .createTable('setup_links')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('token_hash', 'text', column => column.notNull())
    .addColumn('expires_at', time, column => column.notNull())
    .execute()

  await schema
    .createTable('users')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('username', 'text', column => column.notNull())
    .addColumn('username_key', 'text', column => column.notNull().unique())
    .addColumn('email', 'text')
    .addColumn('email_key', 'text')
    .addColumn('email_verified_at', time)
    .addColumn('password_hash', 'text')
    .addColumn('version', 'integer', column => column.notNull())
    .addColumn('disabled_at', time)
    .addColumn('created_at', time, column => column.notNull())
    .execute()
  await schema.createIndex('users_by_email').on('users').column('email_key').execute()
  await schema.createIndex('users_by_age').on('users').columns(['created_at', 'id']).execute()

  await schema
    .createTable('user_roles')
    .addColumn('user_id', 'text', column => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('role', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('user_roles_key', ['user_id', 'role'])
    .execute()
  await schema.createIndex('user_roles_by_role').on('user_roles').column('role').execute()

  await schema
    .createTable('sessions')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('user_version', 'integer', column => column.notNull())
    .addColumn('generation', 'integer', column => column.notNull())
    .addColumn('generation_since', time, column => column.notNull())
    .addColumn('refresh_key', 'text', column => column.notNull())
    .addColumn('amr', 'text', column => column.notNull())
    .addColumn('auth_time', time, column => column.notNull())
    .addColumn('device', 'text', column => column.notNull())
    .addColumn('address', 'text', column => column.notNull())
    .addColumn('created_at', time, column => column.notNull())
    .addColumn('last_used_at', time, column => column.notNull())
    .addColumn('expires_at', time, column => column.notNull())
    .addColumn('token_expires_at', time, column => column.notNull())
    .addColumn('ended_at', time)
    .addColumn('end_reason', 'text')
    .addColumn('replaced_by', 'text')
    .execute()
  await schema.createIndex('sessions_by_user').on('sessions').columns(['user_id', 'ended_at']).execute()

  await transactionIdColumn(db, idColumn(db, schema.createTable('cut_offs'), 'place'))
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('version', 'integer')
    .addColumn('matters_until', time, column => column.notNull())
    .addColumn('created_at', time, column => column.notNull())
    .execute()

  if (!isSqlite(db))
    await schema.createIndex('cut_offs_by_transaction').on('cut_offs').column('transaction_id').execute()
  await schema
    .createTable('signing_keys')
    .addColumn('kid', 'text', column => column.primaryKey())
    .addColumn('algorithm', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('public_key', 'text', column => column.notNull())
    .addColumn('private_key', 'text', column => column.notNull())
    .addColumn('created_at', time, column => column.notNull())
    .execute()

  await idColumn(db, schema.createTable('audit_events'), 'id')
    .addColumn('at', time, column => column.notNull())
    .addColumn('event', 'text', column => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('actor', 'text')
    .addColumn('session_id', 'text')
    .addColumn('address', 'text')
    .addColumn('request_id', 'text')
    .addColumn('reason', 'text')
    .addColumn('details', 'text', column => column.notNull())
    .execute()
  await schema.createIndex('audit_events_by_user').on('audit_events').columns(['user_id', 'at']).execute()
  await schema.createIndex('audit_events_by_time').on('audit_events').column('at').execute()
}
