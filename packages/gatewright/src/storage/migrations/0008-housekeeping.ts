import { type Kysely, sql } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

type OfThis = { leases: { name: string; holder: string | null; beat: number } }

/** Who keeps house, when each table was last looked after, and the ways to find what is past its time. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const time = millisecondsColumn(db)
  const { schema } = db
  await schema
    .createTable('leases')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('holder', 'text')
    .addColumn('beat', time, column => column.notNull())
    .execute()
  const housekeeping = { name: 'housekeeping', holder: null, beat: 0 }
  await (db as Kysely<OfThis>).insertInto('leases').values(housekeeping).execute()
  await schema
    .createTable('housekeeping')
    .addColumn('task', 'text', column => column.primaryKey())
    .addColumn('ran_at', time, column => column.notNull())
    .addColumn('succeeded_at', time)
    .addColumn('worked_off', time, column => column.notNull())
    .execute()

  // None of these columns changes with a refresh, so a refresh costs no index more.
  await schema
    .createIndex('sessions_live')
    .on('sessions')
    .columns(['expires_at', 'id'])
    .where(sql.ref('ended_at'), 'is', null)
    .execute()
  await schema
    .createIndex('sessions_over')
    .on('sessions')
    .column('expires_at')
    .where(sql.ref('ended_at'), 'is not', null)
    .execute()
  await schema.createIndex('cut_offs_by_end').on('cut_offs').column('matters_until').execute()
  await schema.createIndex('reserved_usernames_by_end').on('reserved_usernames').column('until').execute()
}
