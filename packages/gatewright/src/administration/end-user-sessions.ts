import type { Origin } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { getUser } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'

/**
 * Ends all sessions of a user, who signs in again. API keys go on.
 * @param caller the administrator's session, where there is one; the command line has none
 * @returns how many there were
 * @throws Refusal `not_found`; `insufficient_permission` for a user who may do what the caller may not
 */
export const endAllSessions = (
  dependencies: SessionDependencies & Granting & { readonly db: Database },
  { userId, origin }: { readonly userId: string; readonly origin: Origin },
  caller?: Caller,
): Promise<number> =>
  inTransaction(dependencies.db, async work => {
    await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
    await getUser(work.db, userId)
    const event = 'all ended by administrator'
    const { ended } = await applyConsequences(dependencies, work, event, { userId, origin })
    return ended
  })
