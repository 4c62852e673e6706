import { recordEvent } from '../audit/record.ts'
import { type Code, consumeCode, findCode } from '../codes/codes.ts'
import { applyConsequences } from '../consequences/apply.ts'
import type { Refusal } from '../ground/refusal.ts'
import { tellOwner } from '../mail/notices.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { noteBreach, storePassword } from '../users/new-password.ts'
import { firstPassword, setFirstPassword } from './first-password.ts'
import {
  getOwnerOf,
  prepareReset,
  type Ready,
  type Reset,
  type ResetDependencies,
  refuseSame,
  resetPassword,
} from './reset-password.ts'
import { refuseLink } from './shown-link.ts'

const shownBy = ({ token }: Reset) => ({ purpose: 'change-password', secret: token }) as const

const finish = async (
  dependencies: ResetDependencies,
  work: Work,
  reset: Reset,
  { hash, breach, needsFactor }: Ready,
): Promise<Refusal | undefined> => {
  const secretId = await dependencies.processes.secretInForce(work)
  const { user } = (await consumeCode(dependencies, work, shownBy(reset))) ?? {}
  if (user === undefined) return refuseLink(dependencies, work, 'change-password', reset)
  const subject = { userId: user.id, origin: { ...reset.origin, actor: user.id } }
  await storePassword(work, { userId: user.id, hash, needsFactor })
  await recordEvent(dependencies, work, 'user.password-changed', { ...subject, reason: 'change_was_due' })
  await noteBreach(dependencies, work, breach, subject)
  await applyConsequences(dependencies, work, 'password change forced', subject)
  await tellOwner(dependencies, work, { ...subject, notice: 'password-changed', secretId })
  return undefined
}

/** The new password that was due at a sign-in, by the token that the sign-in gave: another one than before. */
const setDuePassword = async (dependencies: ResetDependencies, reset: Reset, code: Code): Promise<void> => {
  const { db } = dependencies
  const user = await getOwnerOf(db, code)
  const ready = await prepareReset(dependencies, user, reset)
  await refuseSame(dependencies, reset, {
    purpose: 'change-password',
    stored: user.password_hash ?? user.former_password_hash,
  })
  await inTransaction(db, work => finish(dependencies, work, reset, ready))
}

/**
 * Sets a new password by what somebody holds who is not signed in: the link of a mail, which may be for the first one,
 * or the token of a sign-in at which one was due. Nobody is signed in by it.
 * @throws Refusal `invalid_link`, `mfa_required`, `invalid_mfa_code`, `password_too_short`, `password_blocklisted`,
 *   `unavailable`
 */
export const setPasswordByToken = async (dependencies: ResetDependencies, reset: Reset): Promise<void> => {
  const due = await findCode(dependencies, shownBy(reset))
  if (due !== undefined) return setDuePassword(dependencies, reset, due)
  const first = await findCode(dependencies, { purpose: firstPassword, secret: reset.token })
  await (first === undefined
    ? resetPassword(dependencies, reset)
    : setFirstPassword(dependencies, reset, first))
}
