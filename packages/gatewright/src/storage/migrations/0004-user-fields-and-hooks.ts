import type { Kysely } from 'kysely'
import { idColumn, millisecondsColumn } from '../columns.ts'

/** The application's own fields of users, users that were deleted, and the queue of hooks. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const time = millisecondsColumn(db)
  const { schema } = db

  await schema
    .alterTable('users')
    .addColumn('fields', 'text', column => column.notNull().defaultTo('{}'))
    .execute()
  await schema.alterTable('users').addColumn('deleted_at', time).execute()
  await schema
    .createTable('reserved_usernames')
    .addColumn('username_hash', 'text', column => column.primaryKey())
    .addColumn('until', time, column => column.notNull())
    .execute()

  await schema
    .createTable('declared_hooks')
    .addColumn('name', 'text', column => column.primaryKey())
    .execute()
  await idColumn(db, schema.createTable('hook_events'), 'id')
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('user_id', 'text', column => column.notNull())
    .addColumn('at', time, column => column.notNull())
    .addColumn('details', 'text', column => column.notNull())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('due_at', time, column => column.notNull())
    .execute()
  await schema.createIndex('hook_events_by_due').on('hook_events').column('due_at').execute()
  await schema.createIndex('hook_events_by_user').on('hook_events').columns(['user_id', 'id']).execute()
}
