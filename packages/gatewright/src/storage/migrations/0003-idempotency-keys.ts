import type { Kysely } from 'kysely'
import { millisecondsColumn } from '../columns.ts'

/** Idempotency keys, with the answers that they stand for. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema
    .createTable('idempotency_keys')
    .addColumn('principal_kind', 'text', column => column.notNull())
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('route', 'text', column => column.notNull())
    .addColumn('key', 'text', column => column.notNull())
    .addColumn('request_hash', 'text', column => column.notNull())
    .addColumn('answer', 'text')
    .addColumn('created_at', millisecondsColumn(db), column => column.notNull())
    .addPrimaryKeyConstraint('idempotency_keys_key', ['principal_kind', 'principal_id', 'route', 'key'])
    .execute()
  await db.schema.createIndex('idempotency_keys_by_age').on('idempotency_keys').column('created_at').execute()
}
