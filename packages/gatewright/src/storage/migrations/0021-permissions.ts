import { type Kysely, sql } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** Roles made at run time, services, API keys, and whom tokens of other issuers speak for. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .alterTable('users')
    .addColumn('kind', 'text', column => column.notNull().defaultTo('user'))
    .execute()
  await db.schema
    .alterTable('users')
    .addColumn('password_change_due', 'integer', column => column.notNull().defaultTo(0))
    .execute()
  await db.schema
    .createTable('roles')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('description', 'text', column => column.notNull())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('changed_at', milliseconds, column => column.notNull())
    .execute()
  await db.schema
    .createTable('role_permissions')
    .addColumn('role', 'text', column => column.notNull().references('roles.name'))
    .addColumn('permission', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('role_permissions_key', ['role', 'permission'])
    .execute()
  await db.schema
    .createTable('api_keys')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id'))
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('secret_hash', 'text', column => column.notNull())
    .addColumn('permissions', 'text', column => column.notNull())
    .addColumn('allowed_addresses', 'text', column => column.notNull())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('expires_at', milliseconds)
    .addColumn('last_used_at', milliseconds)
    .addColumn('address', 'text', column => column.notNull())
    .addColumn('replaced_by', 'text')
    .addColumn('reminded_at', milliseconds)
    .addColumn('ended_at', milliseconds)
    .addColumn('end_reason', 'text')
    .execute()
  await db.schema
    .createIndex('api_keys_of_user')
    .on('api_keys')
    .columns(['user_id', 'created_at', 'id'])
    .execute()
  await db.schema.createIndex('api_keys_by_age').on('api_keys').columns(['created_at', 'id']).execute()
  await db.schema.createIndex('api_keys_by_end').on('api_keys').column('ended_at').execute()
  await db.schema
    .createIndex('api_keys_by_expiry')
    .on('api_keys')
    .column('expires_at')
    .where(sql.ref('ended_at'), 'is', null)
    .execute()
  await db.schema
    .createTable('identities')
    .addColumn('issuer', 'text', column => column.notNull())
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id'))
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addPrimaryKeyConstraint('identities_key', ['issuer', 'subject'])
    .execute()
  await db.schema.createIndex('identities_of_user').on('identities').column('user_id').execute()
  await db.schema
    .createTable('blocked_issuers')
    .addColumn('issuer', 'text', column => column.primaryKey())
    .addColumn('blocked_at', milliseconds, column => column.notNull())
    .execute()
}
