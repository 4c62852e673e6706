import { type Origin, recordEvent } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { toLocale } from '../users/locale.ts'
import { takePassword } from '../users/new-password.ts'
import { lockAndGetUser } from '../users/users.ts'
import { mailFirstLink } from './create-by-mail.ts'
import { holdAdministrator } from './hold-administrator.ts'

type Dependencies = SessionDependencies & MailDependencies & Granting & { readonly db: Database }

/** How the user comes to a new password. */
export type WayBack = 'by mail' | 'at the next sign-in'

const markDue = async (work: Work, userId: string, way: WayBack): Promise<void> => {
  const due = { password_change_due: 1 }
  if (way === 'by mail') return takePassword(work, userId, due)
  work.beforeLock('user')
  await work.db.updateTable('users').set(due).where('id', '=', userId).execute()
}

/** Whom a link reaches: at the verified address or, who has never had a password, at the one that was given. */
type Reached = 'verified' | 'awaited'

const findReached = async (
  { mail }: Pick<Dependencies, 'mail'>,
  { db }: Work,
  { id, email, email_verified_at, password_hash, former_password_hash }: UserRow,
): Promise<Reached | undefined> => {
  if (!mail.isOn || email === null) return undefined
  if (email_verified_at !== null) return 'verified'
  if (password_hash !== null || former_password_hash !== null) return undefined
  const passkey = await db.selectFrom('passkeys').select('id').where('user_id', '=', id).executeTakeFirst()
  return passkey === undefined ? 'awaited' : undefined
}

/** After what ends links. */
const mailLink = async (
  dependencies: MailDependencies,
  work: Work,
  user: UserRow & { readonly email: string },
  { reached, secretId }: { readonly reached: Reached; readonly secretId: string },
): Promise<void> => {
  const { id: userId, email, username } = user
  const locale = toLocale(user.locale)
  const { version } = (await lockAndGetUser(work, userId)) ?? user
  if (reached === 'awaited') {
    await mailFirstLink(dependencies, work, { id: userId, version, username, email, locale }, secretId)
    return
  }
  const code = { purpose: 'reset-password', user: { id: userId, version }, data: { email } } as const
  const made = await makeCode(dependencies, work, code)
  // A disabled user has no use for a link.
  if (made === undefined) return
  const content = {
    letter: 'password-change-forced',
    to: email,
    locale,
    values: { username },
    links: { reset: made.secret },
  } as const
  await queueMail(dependencies, work, { content, userId, secretId })
}

/**
 * Mails the link to choose another password to a user whose password was taken, where mail reaches that user. After
 * what ends links.
 * @returns whether it does
 */
export const mailWayBack = async (
  dependencies: MailDependencies & Pick<Dependencies, 'mail'>,
  work: Work,
  user: UserRow,
  secretId: string,
): Promise<boolean> => {
  const reached = await findReached(dependencies, work, user)
  if (reached === undefined || user.email === null) return false
  await mailLink(dependencies, work, { ...user, email: user.email }, { reached, secretId })
  return true
}

/**
 * Asks for a new password of a user; all sessions end, API keys go on. Where mail reaches the user, the former
 * password opens nothing any more, and the mail has the link to choose another. Where it does not, the former one,
 * with the second factor, opens one thing: the choice of another. Nobody else ever sets or sees one.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `not_found`; `insufficient_permission` for a user who may do what the caller may not
 */
export const forcePasswordChange = (
  dependencies: Dependencies,
  {
    userId,
    reason,
    origin,
  }: { readonly userId: string; readonly reason?: string | undefined; readonly origin: Origin },
  caller?: Caller,
): Promise<WayBack> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
    const user = await lockAndGetUser(work, userId)
    if (user === undefined || user.deleted_at !== null || user.kind !== 'user') throw new Refusal('not_found')
    const { email } = user
    const reached = await findReached(dependencies, work, user)
    const way: WayBack = reached !== undefined ? 'by mail' : 'at the next sign-in'
    await markDue(work, userId, way)
    const details = { way: way.replaceAll(' ', '_'), ...(reason && { said: reason }) }
    await recordEvent(dependencies, work, 'user.password-change-forced', {
      origin,
      userId,
      details,
    })
    await applyConsequences(dependencies, work, 'password change forced', { userId, origin })
    if (reached !== undefined && email !== null)
      await mailLink(dependencies, work, { ...user, email }, { reached, secretId })
    return way
  })
