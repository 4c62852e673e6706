import { type Kysely, type SqlBool, sql } from 'kysely'

/** The list by age is of those who can sign in and were not deleted, as the others are: it counts them as well. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await db.schema.dropIndex('users_by_age').execute()
  await db.schema
    .createIndex('users_listed_by_age')
    .on('users')
    .columns(['created_at', 'id'])
    .where(sql<SqlBool>`kind = 'user' and deleted_at is null`)
    .execute()
}
