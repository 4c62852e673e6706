import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** What failed sign-ins have in common, for some hours; and which patterns were seen in them, for some weeks. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const milliseconds = millisecondsColumn(db)
  await db.schema
    .createTable('sign_in_marks')
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('pattern', 'text', column => column.notNull())
    .addColumn('mark', 'text', column => column.notNull())
    .addColumn('count', 'integer', column => column.notNull())
    .addColumn('forgotten_at', milliseconds, column => column.notNull())
    .addPrimaryKeyConstraint('sign_in_marks_pk', ['subject', 'pattern', 'mark'])
    .execute()
  await db.schema.createIndex('sign_in_marks_by_end').on('sign_in_marks').column('forgotten_at').execute()
  await db.schema
    .createTable('unusual')
    .addColumn('subject', 'text', column => column.notNull())
    .addColumn('pattern', 'text', column => column.notNull())
    .addColumn('raised_at', milliseconds, column => column.notNull())
    .addColumn('former_at', milliseconds)
    .addPrimaryKeyConstraint('unusual_pk', ['subject', 'pattern'])
    .execute()
  await db.schema.createIndex('unusual_by_time').on('unusual').columns(['pattern', 'raised_at']).execute()
  await db.schema.createIndex('unusual_by_age').on('unusual').column('raised_at').execute()
}
