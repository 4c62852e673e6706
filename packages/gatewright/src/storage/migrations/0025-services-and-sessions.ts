import { type Kysely, type SqlBool, sql } from 'kysely'

/** What services are for, and the lists of administrators in the order in which they are shown. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema.alterTable('users').addColumn('description', 'text').execute()
  await db.schema
    .createIndex('services_by_age')
    .on('users')
    .columns(['created_at', 'id'])
    .where(sql<SqlBool>`kind = 'service' and deleted_at is null`)
    .execute()
  await db.schema
    .createIndex('sessions_by_start')
    .on('sessions')
    .columns(['created_at', 'id'])
    .where(sql.ref('ended_at'), 'is', null)
    .execute()
}
