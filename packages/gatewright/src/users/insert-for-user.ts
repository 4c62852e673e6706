import type { Kysely } from 'kysely'
import { Refusal } from '../ground/refusal.ts'
import type { Database, Tables } from '../storage/tables.ts'

type AnyTables = Pick<Tables, 'users'> & Record<string, Record<string, unknown>>

/**
 * Inserts a row that hangs on a user, by one statement that holds the user's row: whatever is written
 * during the deletion of a user is either there to be deleted, or refused.
 *
 *     await insertForUser(db, 'todos', todo, ownerId)
 *
 * @throws Refusal `session_ended` where the user is deleted
 */
export const insertForUser = async (
  db: Database,
  table: string,
  row: Readonly<Record<string, unknown>>,
  userId: string,
): Promise<void> => {
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
