import type { Kysely } from 'kysely'
import { isForeignId } from '../ground/foreign-id.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database, Tables } from '../storage/tables.ts'

type AnyTables = Pick<Tables, 'users'> & Record<string, Record<string, unknown>>

/**
 * Inserts a row that hangs on a user, by one statement that holds the user's row: whatever is written
 * during the deletion of a user is either there to be deleted, or refused.
 *
 *     await insertForUser(db, 'todos', todo, ownerId)
 *
 * @throws Refusal `session_ended` where the user is deleted, `insufficient_permission` where the id is that of a
 *   principal who is no user here
 */
export const insertForUser = async (
  db: Database,
  table: string,
  row: Readonly<Record<string, unknown>>,
  userId: string,
): Promise<void> => {
  if (isForeignId(userId))
    throw new Refusal('insufficient_permission', {
      reason: 'no_local_user',
      detail: 'This belongs to users of this server, and the token acts for none.',
    })
  const names = Object.keys(row)
  const result = await (db as unknown as Kysely<AnyTables>)
    .insertInto(table)
    .columns(names)
    .expression(eb =>
      eb
        .selectFrom('users')
        .select(names.map(name => eb.val(row[name]).as(name)))
        .where('users.id', '=', userId)
        .where('users.deleted_at', 'is', null)
        .forShare(),
    )
    .executeTakeFirst()
  if (result.numInsertedOrUpdatedRows !== 1n) throw new Refusal('session_ended', { reason: 'user_deleted' })
}
