import { refuseGone } from '../ground/caller-gone.ts'
import type { Permission } from '../permissions/access-rule.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Beyond } from '../permissions/reach.ts'
import { type Caller, holdPermissions, holdPermissionsOver } from '../sessions/hold-session.ts'
import { holdProvenSession } from '../sign-in/own-factors.ts'
import type { Work } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'

/** What an operation asks of the administrator who calls it. */
export type Asked = {
  readonly needed: readonly (Permission | Beyond)[]
  /** The user or service that is changed: nothing may be allowed to it that is not allowed to the caller. */
  readonly over?: string
}

/** The rows of the caller and of who is changed, in the order in which everybody takes them. */
export const holdUsers = async (
  work: Work,
  caller: Caller | undefined,
  over: string | undefined,
): Promise<void> => {
  const ids = [caller?.userId, over].filter(id => id !== undefined).sort()
  for (const userId of ids) await lockUser(work, userId)
}

/**
 * Checks in the transaction of a change by an administrator that the caller's session goes on, has shown what it
 * must, and may still do this: to whom it is done as well. Both users' rows are held from here on, taken in one
 * order, so of two who change each other at once the second one finds what the first one did.
 * @param caller none for the command line, which nothing is asked of
 * @throws Refusal `session_ended`, `insufficient_user_authentication`, `insufficient_permission`; `unavailable` where
 *   the caller has gone
 */
export const holdAdministrator = async (
  granting: Granting,
  work: Work,
  caller: Caller | undefined,
  { needed, over }: Asked,
): Promise<void> => {
  if (caller === undefined) return
  await holdUsers(work, caller, over)
  refuseGone(caller.isGone)
  await holdProvenSession(work, caller)
  await holdPermissions(granting, work, caller, needed)
  if (over !== undefined) await holdPermissionsOver(granting, work, caller, over)
}
