import type { Kysely } from 'kysely'

/** Whoever came back by a new password is asked whether what outlived the reset is theirs. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema
    .alterTable('users')
    .addColumn('review_due', 'integer', column => column.notNull().defaultTo(0))
    .execute()
}
