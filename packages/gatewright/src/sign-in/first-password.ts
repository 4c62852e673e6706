import { recordEvent } from '../audit/record.ts'
import type { Code } from '../codes/codes.ts'
import { applyConsequences } from '../consequences/apply.ts'
import type { Refusal } from '../ground/refusal.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { isUniqueRefused } from '../storage/unique-refused.ts'
import { noteBreach, storePassword } from '../users/new-password.ts'
import { emailKey } from '../users/users.ts'
import { getOwnerOf, prepareReset, type Ready, type Reset, type ResetDependencies } from './reset-password.ts'
import { refuseLink, type TakenLink, takeLink } from './shown-link.ts'
import { lift } from './throttle.ts'
import { keysOfUser } from './throttle-keys.ts'
import { isAnothers, setEmail } from './verify-email.ts'

export const firstPassword = 'first-password'

/** The link is for whoever has no password yet, at the address that it went to. */
const isAwaited = ({ user, email }: TakenLink): boolean =>
  user.password_hash === null && user.email_key === emailKey(email)

/** The link came by mail. Of an address that somebody else has verified, nothing is told and nothing taken. */
const noteAddress = async (
  dependencies: ResetDependencies,
  work: Work,
  { user, email }: TakenLink,
  { origin }: Pick<Reset, 'origin'>,
): Promise<void> => {
  if (user.email_verified_at !== null || (await isAnothers(work, user, emailKey(email)))) return
  await setEmail(work, user.id, email, dependencies.clock.now())
  await recordEvent(dependencies, work, 'user.email-verified', { origin, userId: user.id })
}

const finish = async (
  dependencies: ResetDependencies,
  work: Work,
  reset: Reset,
  { hash, breach, needsFactor }: Ready,
): Promise<Refusal | undefined> => {
  const taken = await takeLink(dependencies, work, firstPassword, reset)
  if (taken === undefined || !isAwaited(taken)) return refuseLink(dependencies, work, firstPassword, reset)
  const { user } = taken
  const subject = { userId: user.id, origin: { ...reset.origin, actor: user.id } }
  await noteAddress(dependencies, work, taken, subject)
  await storePassword(work, { userId: user.id, hash, needsFactor })
  await recordEvent(dependencies, work, 'user.password-changed', { ...subject, reason: 'first_password' })
  await noteBreach(dependencies, work, breach, subject)
  await applyConsequences(dependencies, work, 'password change forced', subject)
  // Whoever has the address is no stranger.
  await lift({ ...dependencies, db: work.db }, keysOfUser(dependencies, user))
  return undefined
}

/**
 * Sets the first password of a user whom an administrator made, by the link that was sent to the address. Nobody is
 * signed in by it.
 * @throws Refusal `invalid_link`, `password_too_short`, `password_blocklisted`, `unavailable`
 */
export const setFirstPassword = async (
  dependencies: ResetDependencies,
  reset: Reset,
  code: Code,
): Promise<void> => {
  const { db } = dependencies
  const user = await getOwnerOf(db, code)
  const ready = await prepareReset(dependencies, user, reset)
  const attempt = () => inTransaction(db, work => finish(dependencies, work, reset, ready))
  await attempt().catch(error => {
    // Another verified the address at the same moment: this one finds it taken.
    if (isUniqueRefused(error)) return attempt()
    throw error
  })
}
