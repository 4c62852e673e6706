import type { Origin } from '../audit/record.ts'
import { endOvertime } from '../consequences/overtime.ts'
import { Refusal } from '../ground/refusal.ts'
import { type FoundSession, toRevocable } from '../sessions/find-session.ts'
import { endedByTime, isJustRenewed, noteEvery, timesOf } from '../sessions/session-times.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'

type Dependencies = SessionDependencies & { readonly db: Database }

/** For a moment after a new id its former cookie is told to wait for the new one, and nothing else. */
export const refuseJustRenewed = (
  { clock, settings }: Pick<Dependencies, 'clock' | 'settings'>,
  session: SessionRow,
): void => {
  if (isJustRenewed(session, clock.now(), settings)) throw new Refusal('session_renewed')
}

/** Leaves the trace that tells its owner why. */
const endByTime = (
  dependencies: Dependencies,
  { id: sessionId, user_id: userId }: SessionRow,
  { reason, origin }: { readonly reason: 'idle' | 'expired'; readonly origin: Origin },
): Promise<never> =>
  inTransaction<never>(dependencies.db, async work => {
    await lockUser(work, userId)
    const subject = { userId, sessionId, origin: { ...origin, actor: userId } }
    const ended = await endOvertime(dependencies, work, reason, subject)
    if (ended > 0) return new Refusal('session_ended', { reason, hasEvent: true })
    await refuseRenewedMeanwhile(dependencies, work, sessionId)
    throw new Refusal('session_ended', { reason })
  })

/** Somebody was faster: what goes on under a new id is waited for, and its new cookie is not given up. */
const refuseRenewedMeanwhile = async (
  dependencies: Dependencies,
  { db }: Work,
  sessionId: string,
): Promise<void> => {
  const session = await db.selectFrom('sessions').selectAll().where('id', '=', sessionId).executeTakeFirst()
  if (session !== undefined) refuseJustRenewed(dependencies, session)
}

/**
 * Idle time begins anew. Never where the session has ended, or another request has noted it already. One
 * that can't be noted refuses nobody: the next request tries again.
 */
const noteUse = async (
  { db, clock }: Dependencies,
  session: SessionRow,
  { every, address }: { readonly every: number; readonly address: string | null },
): Promise<void> => {
  const now = clock.now()
  if (now - session.last_used_at < every) return
  await db
    .updateTable('sessions')
    .set({ last_used_at: now, address: address ?? session.address })
    .where('id', '=', session.id)
    .where('last_used_at', '=', session.last_used_at)
    .where('ended_at', 'is', null)
    .execute()
    .catch(() => {})
}

/** Why a session's cookie opens nothing. `byTime`: only the clock says so as yet, and no event tells of it. */
export type CookieFault = {
  readonly code: 'session_renewed' | 'session_ended'
  readonly reason: string | undefined
  readonly byTime?: 'idle' | 'expired'
}

/** What the database says against the session of a cookie, if anything. Changes nothing. */
export const findCookieFault = (
  dependencies: Pick<Dependencies, 'clock' | 'settings' | 'roleTable'>,
  { session, roles, userDisabledAt }: FoundSession,
): CookieFault | undefined => {
  const { clock, settings } = dependencies
  if (isJustRenewed(session, clock.now(), settings)) return { code: 'session_renewed', reason: undefined }
  if (session.ended_at !== null) return { code: 'session_ended', reason: session.end_reason ?? 'ended' }
  if (userDisabledAt !== null) return { code: 'session_ended', reason: 'user_disabled' }
  const byTime = endedByTime(session, clock.now(), timesOf(dependencies, roles))
  return byTime && { code: 'session_ended', reason: byTime, byTime }
}

/**
 * Judges the session of a cookie as the database has it now, and notes that it is in use. The cut-offs
 * are asked last, without a wait: what this process ended while the database answered is refused too.
 * @throws Refusal `session_ended`; `session_renewed` for the cookie that was just replaced
 */
export const checkCookieSession = async (
  dependencies: Dependencies,
  found: FoundSession,
  origin: Origin,
): Promise<void> => {
  const { revocations } = dependencies
  const { session, roles } = found
  const fault = findCookieFault(dependencies, found)
  if (fault?.byTime) await endByTime(dependencies, session, { reason: fault.byTime, origin })
  if (fault !== undefined)
    throw new Refusal(fault.code, { ...(fault.reason !== undefined && { reason: fault.reason }) })
  const times = timesOf(dependencies, roles)
  await noteUse(dependencies, session, { every: noteEvery(times), address: origin.address })
  if (revocations.isEnded(toRevocable(session))) throw new Refusal('session_ended', { reason: 'cut_off' })
}
