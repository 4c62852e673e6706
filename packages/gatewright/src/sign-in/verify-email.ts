import { recordEvent } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { applyConsequences } from '../consequences/apply.ts'
import type { Refusal } from '../ground/refusal.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import { endedByTime, timesOf } from '../sessions/session-times.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database, SessionRow, UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { isUniqueRefused } from '../storage/unique-refused.ts'
import { toLocale } from '../users/locale.ts'
import { emailKey, listRoles, lockAndGetUser } from '../users/users.ts'
import { refuseLink, type ShownLink, takeLink } from './shown-link.ts'

export type EmailDependencies = SessionDependencies & MailDependencies & { readonly db: Database }

/** More often than anybody renews a session while a mail is on its way. */
const mostRenewals = 1_000

/** Whether it is over by the clock alone, which nobody may have looked at since. */
const isOvertime = async (
  dependencies: EmailDependencies,
  { db }: Work,
  session: SessionRow,
): Promise<boolean> => {
  const times = timesOf(dependencies, await listRoles(db, session.user_id))
  const { clock, uses } = dependencies
  return endedByTime(uses.withLastUse(session), clock.now(), times) !== undefined
}

/** The session that goes on in the place of the one that asked; undefined where it has ended. */
const findSessionNow = async (
  dependencies: EmailDependencies,
  work: Work,
  asked: string,
): Promise<string | undefined> => {
  const { db } = work
  let id = asked
  for (let step = 0; step < mostRenewals; step++) {
    const row = await db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
    if (row?.ended_at === null) return (await isOvertime(dependencies, work, row)) ? undefined : id
    if (row?.replaced_by == null) return undefined
    id = row.replaced_by
  }
  return undefined
}

/** Whether another user has verified the address. */
export const isAnothers = async ({ db }: Work, user: UserRow, key: string): Promise<boolean> => {
  const owner = await db
    .selectFrom('users')
    .select('id')
    .where('email_key', '=', key)
    .where('email_verified_at', 'is not', null)
    .where('id', '!=', user.id)
    .executeTakeFirst()
  return owner !== undefined
}

/** Where there was a verified address, it hears of this and can take it back for a week. */
const tellFormer = async (
  dependencies: EmailDependencies,
  work: Work,
  {
    before,
    email,
    secretId,
  }: { readonly before: UserRow; readonly email: string; readonly secretId: string },
): Promise<void> => {
  if (before.email === null || before.email_verified_at === null) return
  const now = await lockAndGetUser(work, before.id)
  if (now === undefined) return
  const data = { email: before.email }
  const user = { id: now.id, version: now.version }
  const undo = await makeCode(dependencies, work, { purpose: 'undo-email', user, data })
  if (undo === undefined) return
  const content = {
    letter: 'email-changed',
    to: before.email,
    locale: toLocale(before.locale),
    values: { username: before.username, email },
    links: { undo: undo.secret },
  } as const
  await queueMail(dependencies, work, { content, userId: before.id, secretId })
}

export const setEmail = async (
  { db, beforeLock }: Work,
  userId: string,
  email: string,
  now: number,
): Promise<void> => {
  beforeLock('user')
  await db
    .updateTable('users')
    .set({ email, email_key: emailKey(email), email_verified_at: now })
    .where('id', '=', userId)
    .execute()
}

/**
 * Makes an address count, by the link that was sent there. The first to follow one has the address. One that was
 * asked for by a session counts only while that session goes on.
 * @throws Refusal `invalid_link`
 */
export const verifyEmail = async (dependencies: EmailDependencies, shown: ShownLink): Promise<void> => {
  const attempt = () => inTransaction<void>(dependencies.db, work => verify(dependencies, work, shown))
  await attempt().catch(error => {
    // Of two at once the other was first: this one finds the address taken.
    if (isUniqueRefused(error)) return attempt()
    throw error
  })
}

const verify = async (
  dependencies: EmailDependencies,
  work: Work,
  shown: ShownLink,
): Promise<Refusal | undefined> => {
  const secretId = await dependencies.processes.secretInForce(work)
  const taken = await takeLink(dependencies, work, 'verify-email', shown)
  if (taken === undefined) return refuseLink(dependencies, work, 'verify-email', shown)
  const { user, email, session } = taken
  const origin = { ...shown.origin, actor: user.id }
  const sessionId = session === undefined ? undefined : await findSessionNow(dependencies, work, session)
  const isOver = session !== undefined && sessionId === undefined
  if (isOver || (await isAnothers(work, user, emailKey(email))))
    return refuseLink(dependencies, work, 'verify-email', { origin, user })
  const isSame = user.email_verified_at !== null && user.email === email
  if (isSame) return undefined
  await setEmail(work, user.id, email, dependencies.clock.now())
  const subject = { userId: user.id, origin, ...(sessionId !== undefined && { sessionId }) }
  const isChange = user.email_verified_at !== null
  await recordEvent(dependencies, work, isChange ? 'user.email-changed' : 'user.email-verified', subject)
  await applyConsequences(dependencies, work, 'e-mail changed', subject)
  await tellFormer(dependencies, work, { before: user, email, secretId })
  return undefined
}
