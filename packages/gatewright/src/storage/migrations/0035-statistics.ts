import type { CreateTableBuilder, Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

const figures = [
  'requests',
  'refused',
  'limited',
  'errors',
  'sign_ins',
  'failed_sign_ins',
  'second_factors_failed',
  'refreshes',
  'reuses',
  'ended_sessions',
  'unusual',
]

/** What processes counted: each its minutes, and of all together the hours. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const number = millisecondsColumn(db)
  const create = async (table: CreateTableBuilder<string, string>): Promise<void> => {
    const whole = figures.reduce(
      (made, name) => made.addColumn(name, number, column => column.notNull()),
      table,
    )
    await whole.execute()
  }
  await create(
    db.schema
      .createTable('statistics_minutes')
      .addColumn('process', 'text', column => column.notNull())
      .addColumn('batch', 'integer', column => column.notNull())
      .addColumn('start', number, column => column.notNull())
      .addPrimaryKeyConstraint('statistics_minutes_key', ['process', 'batch']),
  )
  await db.schema
    .createIndex('statistics_minutes_by_start')
    .on('statistics_minutes')
    .column('start')
    .execute()
  await create(
    db.schema.createTable('statistics_hours').addColumn('start', number, column => column.primaryKey()),
  )
}
