import type { IsGone } from '../ground/caller-gone.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Permission } from '../permissions/access-rule.ts'
import { type Granting, grantedTo } from '../permissions/granted.ts'
import { holdRoles } from '../permissions/made-roles.ts'
import { type Beyond, reaches, reachOf } from '../permissions/reach.ts'
import type { Work } from '../storage/transaction.ts'
import { listRoles, lockUser } from '../users/users.ts'

/** Who makes a change, as far as the transaction of the change must know it again. */
export type Caller = {
  readonly userId: string
  readonly sessionId: string
  readonly isGone?: IsGone
}

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
 * Checks there as well that the caller still has each of these: as the roles allow now, and in a session that has
 * shown what permissions ask for.
 * @throws Refusal `insufficient_permission`
 */
export const holdPermissions = async (
  granting: Granting,
  work: Work,
  { userId, sessionId }: Caller,
  needed: readonly (Permission | Beyond)[],
): Promise<void> => {
  const session = await work.db
    .selectFrom('sessions')
    .select('amr')
    .where('id', '=', sessionId)
    .executeTakeFirstOrThrow()
  const roles = await listRoles(work.db, userId)
  const roleTable = await holdRoles(granting.roleTable, work, roles)
  const { permissions } = grantedTo({ ...granting, roleTable }, session.amr.split(' '), roles)
  if (!reaches(roleTable, { roles, permissions }, needed))
    throw new Refusal('insufficient_permission', { lacks: needed.map(String).join(', ') })
}

/**
 * No way up: nobody changes credentials, address, factors, sessions, keys, roles or state of a user or service that
 * holds a permission which the caller lacks, or a role that opens something by its name. Holds the row of that user, so that what it holds stays true until the
 * transaction ends. To be called after the caller's own session was held (`administration/hold-administrator.ts`
 * does both, in an order in which two who change each other wait and don't block each other).
 * @throws Refusal `insufficient_permission`
 */
export const holdPermissionsOver = async (
  granting: Granting,
  work: Work,
  caller: Caller,
  userId: string,
): Promise<void> => {
  await lockUser(work, userId)
  const roles = await listRoles(work.db, userId)
  const held = reachOf(await holdRoles(granting.roleTable, work, roles), roles)
  await holdPermissions(granting, work, caller, held)
}
