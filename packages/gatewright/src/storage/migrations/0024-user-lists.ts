import { type Kysely, sql } from 'kysely'
import { sortByCodePoints } from '../columns.ts'

/** Lists of users are read by a key and an id, from any place on: those who can sign in and were not deleted. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sortByCodePoints(db, 'users', 'username_key')
  await sortByCodePoints(db, 'users', 'email_key')
  const listed = sql<boolean>`kind = 'user' and deleted_at is null`
  for (const [name, column] of [
    ['users_by_name', 'username_key'],
    ['users_by_address', 'email_key'],
  ] as const)
    await db.schema.createIndex(name).on('users').columns([column, 'id']).where(listed).execute()
  await db.schema
    .createIndex('users_disabled')
    .on('users')
    .columns(['username_key', 'id'])
    .where(sql<boolean>`kind = 'user' and deleted_at is null and disabled_at is not null`)
    .execute()
  await db.schema.dropIndex('user_roles_by_role').execute()
  await db.schema.createIndex('users_of_role').on('user_roles').columns(['role', 'user_id']).execute()
}
