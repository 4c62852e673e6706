import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { endOvertime } from '../consequences/overtime.ts'
import type { ConsequenceEvent } from '../consequences/table.ts'
import { type IsGone, refuseGone } from '../ground/caller-gone.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import { type FoundSession, findTokenSession, toRevocable } from '../sessions/find-session.ts'
import { endedByTime, isInRetryWindow, isJustRenewed, timesOf } from '../sessions/session-times.ts'
import type { LiveSession, SessionDependencies } from '../sessions/sessions.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { RefreshToken } from '../tokens/refresh-token.ts'
import { raise } from '../unusual/raise.ts'
import { lockUser } from '../users/users.ts'
import { advance } from './advance.ts'
import { checkMadeByUs, getSessionOfRefreshToken, readRefreshToken } from './made-by-us.ts'

export type RefreshDependencies = SessionDependencies &
  MailDependencies & {
    readonly db: Database
    readonly secrets: Secrets
  }

/** Where a shown generation stands to the live one, *g*. */
type Position =
  | 'live, in the window'
  | 'live, after the window'
  | 'one before, in the window'
  | 'older'
  | 'ahead'

const positionOf = (shown: number, session: SessionRow, now: number, window: number): Position => {
  const inWindow = isInRetryWindow(session.generation_since, now, window)
  if (shown === session.generation) return inWindow ? 'live, in the window' : 'live, after the window'
  if (shown > session.generation) return 'ahead'
  return shown === session.generation - 1 && inWindow ? 'one before, in the window' : 'older'
}

/** What each position gets: the live generation with its event, or an end that leaves its trace. */
const outcomes = {
  'live, in the window': { event: 'session.refreshed', rotates: false },
  'live, after the window': { event: 'session.refreshed', rotates: true },
  'one before, in the window': { event: 'session.refresh-retried', rotates: false },
  older: {
    event: 'refresh-token.reused',
    ends: 'refresh token reused',
    code: 'refresh_token_reused',
    notice: 'refresh-token-reused',
  },
  ahead: { event: 'refresh-token.ahead', ends: 'refresh token ahead', code: 'session_ended' },
} as const satisfies Record<Position, object>

const refuseAsEnded = ({ user_id: userId, id: sessionId }: SessionRow, reason: string): Refusal =>
  new Refusal('session_ended', { reason, session: { userId, sessionId } })

/** Within the window after a new id, the token it replaced is told to wait for the new one. */
const refuseEnded = (
  { clock, settings }: RefreshDependencies,
  session: SessionRow,
  shown: number,
): Refusal => {
  const justRenewed =
    isJustRenewed(session, clock.now(), settings) &&
    (shown === session.generation || shown === session.generation - 1)
  return justRenewed ? new Refusal('session_renewed') : refuseAsEnded(session, session.end_reason ?? 'ended')
}

const checkNotEnded = (
  dependencies: RefreshDependencies,
  { session, userDisabledAt }: FoundSession,
  { generation }: RefreshToken,
): void => {
  if (session.ended_at !== null) throw refuseEnded(dependencies, session, generation)
  if (userDisabledAt !== null) throw refuseAsEnded(session, 'user_disabled')
  if (dependencies.revocations.isEnded(toRevocable(session))) throw refuseAsEnded(session, 'cut_off')
}

/**
 * What a use counts for. An older token counts alone: a thief who holds the live one could else use up the
 * session's limit, and keep the owner's token from being judged, which ends the session.
 */
const useOf = ({ generation }: RefreshToken, session: Pick<SessionRow, 'id' | 'generation'>): string =>
  generation === session.generation ? session.id : `${session.id} ${generation}`

/**
 * A new access token, and the refresh token that is live now: at most one rotation per window, so that a
 * retry, a lost answer or a second tab gets the same token, and a thief's copy is noticed.
 *
 * @param isGone nothing is done for a caller that has gone
 * @param countUse takes from the limit of the session, or of an older token, once it is known to be ours; throws to refuse
 * @throws Refusal `invalid_token`, `session_ended`, `session_renewed`, `refresh_token_reused`, `unavailable`
 */
export const refresh = async (
  dependencies: RefreshDependencies,
  {
    text,
    origin,
    isGone,
    countUse,
  }: {
    readonly text: string
    readonly origin: Origin
    readonly isGone?: IsGone
    readonly countUse: (key: string) => void | Promise<void>
  },
): Promise<LiveSession> => {
  const token = readRefreshToken(text)
  // A stranger's token never gets as far as the database's one write lock.
  const known = await getSessionOfRefreshToken(dependencies, dependencies.db, token)
  // Not in the transaction, which may run more than once for one use.
  await countUse(useOf(token, known))
  return inTransaction(dependencies.db, async work => {
    const { clock, settings, uses, processes } = dependencies
    const secretId = await processes.secretInForce(work)
    // Of two at once the second judges what the first has left; and so does a change of roles, which has to
    // outlast every token promised before it.
    await lockUser(work, known.user_id)
    refuseGone(isGone)
    const found = await findTokenSession(work.db, token.sessionId)
    checkMadeByUs(dependencies, found?.session, token)
    checkNotEnded(dependencies, found, token)
    const { roles } = found
    const session = uses.withLastUse(found.session)

    const subject = {
      userId: session.user_id,
      sessionId: session.id,
      origin: { ...origin, actor: session.user_id },
    }
    const end = (event: ConsequenceEvent) => applyConsequences(dependencies, work, event, subject)
    const times = timesOf(dependencies, roles)
    const overtime = endedByTime(session, clock.now(), times)
    if (overtime !== undefined) {
      await endOvertime(dependencies, work, overtime, subject)
      return new Refusal('session_ended', { reason: overtime, hasEvent: true })
    }

    const position = positionOf(token.generation, session, clock.now(), settings.refreshRetryWindow)
    const outcome = outcomes[position]
    await recordEvent(dependencies, work, outcome.event, {
      ...subject,
      details: { shown: token.generation, live: session.generation },
    })
    if ('ends' in outcome) {
      if (outcome.event === 'refresh-token.reused')
        await raise(dependencies, work, [{ pattern: 'refresh-reuse', subject: subject.userId, ...subject }])
      await end(outcome.ends)
      if ('notice' in outcome) {
        const { userId, origin: from } = subject
        await tellOwner(dependencies, work, { userId, notice: outcome.notice, origin: from, secretId })
      }
      return new Refusal(outcome.code, { reason: outcome.event, hasEvent: true })
    }
    const { rotates } = outcome
    const next = { rotates, secretId, times, origin }
    return { session: await advance(dependencies, work, session, next), roles }
  })
}
