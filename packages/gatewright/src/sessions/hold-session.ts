import { Refusal } from '../ground/refusal.ts'
import type { Permission } from '../permissions/access-rule.ts'
import { permissionsOf, type RoleTable } from '../permissions/roles.ts'
import type { Work } from '../storage/transaction.ts'
import { listRoles, lockUser } from '../users/users.ts'

/** Who makes a change, as far as the transaction of the change must know it again. */
export type Caller = { readonly userId: string; readonly sessionId: string }

/**
 * Checks in the transaction of a write to security data that the caller's session has not ended: it may
 * have while the request waited for the body, the hashing queue or a lock.
 * @throws Refusal `session_ended`
 */
export const holdSession = async (work: Work, { userId, sessionId }: Caller): Promise<void> => {
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
}

/**
 * Checks there as well that the user still has each of these permissions.
 * @throws Refusal `insufficient_permission`
 */
export const holdPermissions = async (
  { roleTable }: { readonly roleTable: RoleTable },
  { db }: Work,
  userId: string,
  needed: readonly Permission[],
): Promise<void> => {
  const held = permissionsOf(roleTable, await listRoles(db, userId))
  if (!needed.every(permission => held.has(permission))) throw new Refusal('insufficient_permission')
}
