import type { Kysely } from 'kysely'

/** A code may be for somebody who is no user yet: it is found by the address that it was sent to. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema.alterTable('codes').addColumn('address_key', 'text').execute()
  await db.schema
    .createIndex('codes_of_address')
    .on('codes')
    .columns(['purpose', 'address_key', 'created_at'])
    .execute()
}
