import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** The queue of mail, the language of each user, and one owner for each address that was verified. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .alterTable('users')
    .addColumn('locale', 'text', column => column.notNull().defaultTo('en'))
    .execute()
  await db.schema
    .createIndex('users_by_verified_email')
    .unique()
    .on('users')
    .column('email_key')
    .where('email_verified_at' as never, 'is not', null)
    .execute()
  await db.schema
    .createTable('mails')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('user_id', 'text', column => column.references('users.id'))
    .addColumn('content', 'text', column => column.notNull())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('due_at', milliseconds, column => column.notNull())
    .addColumn('created_at', milliseconds, column => column.notNull())
    .addColumn('problem', 'text')
    .addColumn('sent_at', milliseconds)
    .addColumn('given_up_at', milliseconds)
    .addColumn('forgotten_at', milliseconds)
    .execute()
  await db.schema
    .createIndex('mails_due')
    .on('mails')
    .column('due_at')
    .where('forgotten_at' as never, 'is', null)
    .execute()
  await db.schema.createIndex('mails_by_end').on('mails').column('forgotten_at').execute()
  await db.schema.createIndex('mails_of_user').on('mails').column('user_id').execute()
}
