import type { Kysely } from 'kysely'

/** A password that was taken away, because somebody else may have it, is not chosen again. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema.alterTable('users').addColumn('former_password_hash', 'text').execute()
}
