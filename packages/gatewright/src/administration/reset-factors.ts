import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { dropRecoveryCodes } from '../factors/recovery-codes.ts'
import { dropTotp } from '../factors/totp-factors.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import { dropPasskeys } from '../passkeys/passkeys.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { listMethods } from '../sign-in/factors.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { getPerson, lockUser } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'

/**
 * A password that was enough only beside a factor opens nothing alone: its owner chooses another by a link. Without
 * a verified address, or where no mail is sent, there is no such link: it opens the choice of another, and nothing else.
 */
const dropWeakPassword = async (
  { mail }: Pick<MailDependencies, 'mail'>,
  { db, beforeLock }: Work,
  userId: string,
): Promise<void> => {
  beforeLock('user')
  await db
    .updateTable('users')
    .set({ password_change_due: 1 })
    .where('id', '=', userId)
    .where('password_needs_factor', '=', 1)
    .execute()
  if (!mail.isOn) return
  await db
    .updateTable('users')
    .set({ password_hash: null, password_needs_factor: 0 })
    .where('id', '=', userId)
    .where('password_needs_factor', '=', 1)
    .where('email_verified_at', 'is not', null)
    .execute()
}

/**
 * Removes all second factors of a user who has lost them: everything of the user ends, and the next sign-in asks
 * for the password alone. No effect on a user without any.
 * @param reason why, in words, for the audit log
 * @param caller the administrator's session, where there is one; the command line has none
 * @returns whether there was one
 * @throws Refusal `not_found`, `insufficient_permission` for a user who may do what the caller may not
 */
export const resetFactors = (
  dependencies: SessionDependencies & MailDependencies & Granting & { readonly db: Database },
  { userId, reason, origin }: { readonly userId: string; readonly reason: string; readonly origin: Origin },
  caller?: Caller,
): Promise<boolean> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
    await lockUser(work, userId)
    await getPerson(work.db, userId)
    const methods = await listMethods(work.db, userId)
    await dropTotp(work, userId)
    await dropPasskeys(work, userId)
    await dropRecoveryCodes(work, userId)
    if (methods.length === 0) return false
    await dropWeakPassword(dependencies, work, userId)
    const details = { methods, said: reason }
    await recordEvent(dependencies, work, 'second-factors.reset', { origin, userId, details })
    await applyConsequences(dependencies, work, 'second factors reset', { userId, origin })
    await tellOwner(dependencies, work, { userId, notice: 'factors-reset', origin, secretId })
    return true
  })
