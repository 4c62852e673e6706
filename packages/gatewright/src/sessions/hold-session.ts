import { Refusal } from '../ground/refusal.ts'
import { type Permission, permissionsOf } from '../permissions/roles.ts'
import type { Work } from '../storage/transaction.ts'
import { listRoles, lockUser } from '../users/users.ts'

/** Who makes a change, as far as the transaction of the change must know it again. */
export type Caller = { readonly userId: string; readonly sessionId: string }

/**
 * Checks in the transaction of a write to security data that the caller's session has not ended and,
 * where a permission is named, that the user still has it: both may have gone while the request waited
 * for the body, the hashing queue or a lock.
 * @throws Refusal `session_ended`, `insufficient_permission`
 */
export const holdSession = async (
  work: Work,
  { userId, sessionId }: Caller,
  permission?: Permission,
): Promise<void> => {
  const { db } = work
  await lockUser(work, userId)
  const { numUpdatedRows } = await db
    .updateTable('sessions')
    .set({ id: sessionId })
    .where('id', '=', sessionId)
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) throw new Refusal('session_ended')
  if (permission !== undefined && !permissionsOf(await listRoles(db, userId)).has(permission))
    throw new Refusal('insufficient_permission')
}
