import { type Kysely, type SqlBool, sql } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** The register of processes, and for each session the secret that its refresh token was made with. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  const time = millisecondsColumn(db)
  const { schema } = db

  await schema
    .createTable('processes')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('version', 'text', column => column.notNull())
    .addColumn('host', 'text', column => column.notNull())
    .addColumn('machine', 'text', column => column.notNull())
    .addColumn('secret_ids', 'text', column => column.notNull())
    .addColumn('makes_with', 'text', column => column.notNull())
    .addColumn('feed_kinds', 'text', column => column.notNull())
    .addColumn('clock_difference', time)
    .addColumn('started_at', time, column => column.notNull())
    .addColumn('seen_at', time, column => column.notNull())
    .execute()

  await schema.alterTable('sessions').addColumn('secret_id', 'text').execute()
  await schema.alterTable('sessions').addColumn('former_secret_id', 'text').execute()
  await schema
    .createIndex('sessions_by_secret_id')
    .on('sessions')
    .column('secret_id')
    .where(sql<SqlBool>`ended_at is null`)
    .execute()
  await schema
    .createIndex('sessions_by_former_secret_id')
    .on('sessions')
    .column('former_secret_id')
    .where(sql<SqlBool>`former_secret_id is not null`)
    .execute()
}
