import type { Kysely } from 'kysely'

/** Sessions that a cookie holds: the hash of its secret, which a session that holds tokens has not. */
export const up = async ({ schema }: Kysely<unknown>): Promise<void> => {
  await schema.alterTable('sessions').addColumn('secret_hash', 'text').execute()
  await schema.createIndex('sessions_by_secret').on('sessions').column('secret_hash').unique().execute()
}
