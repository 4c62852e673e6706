import { eraseAllOfUser, mayErase } from '../audit/erase-events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { emitHook } from '../hooks/emit.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { holdProvenSession } from '../sign-in/own-factors.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { guardLastAdministrator } from '../users/administrators.ts'
import { eraseUser, holdUserToErase } from '../users/erase-user.ts'
import { holdAdministrator } from './hold-administrator.ts'

/**
 * Deletes a user for good: everything of the user ends, what is personal in the account is erased, and
 * neither the id nor, for a year, the username is given again. Audit events stay, without what is personal.
 * @param caller the session that asks for it, where there is one: the user's own, or an administrator's
 * @throws Refusal `last_administrator`, `not_found`, `session_ended`; `insufficient_permission` for a user who may do
 *   what the caller may not
 */
export const deleteUser = (
  dependencies: SessionDependencies & Granting & { readonly db: Database },
  { userId, origin }: { readonly userId: string; readonly origin: Origin },
  caller?: Caller,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await lockInstallation(work)
    const isOwn = caller?.userId === userId
    if (!isOwn) await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
    await guardLastAdministrator(work, userId)
    const user = await holdUserToErase(work, userId)
    if (isOwn) await holdProvenSession(work, caller)
    await recordEvent(dependencies, work, 'user.deleted', { origin, userId })
    await applyConsequences(dependencies, work, 'user deleted', { userId, origin })
    await eraseUser(dependencies, work, user)
    await emitHook(dependencies, work, 'user-deleted', { userId })
    // Where another role erases, `gatewright audit erase` does it for all who were deleted.
    if (await mayErase(work.db))
      await eraseAllOfUser(dependencies, work, { reason: 'user_deleted', userId, origin })
  })
