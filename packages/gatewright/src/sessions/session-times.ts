import type { SessionRow } from '../storage/tables.ts'

/** Lives of sessions and tokens, and the time for retries after a new one, in milliseconds. */
export type SessionTimes = {
  readonly accessTokenTtl: number
  readonly sessionIdleTtl: number
  readonly sessionMaxTtl: number
  readonly refreshRetryWindow: number
}

/** The `exp` promised to a token made now: whole seconds, never past the session's own end. */
export const promisedExpiry = (
  now: number,
  expiresAt: number,
  { accessTokenTtl }: Pick<SessionTimes, 'accessTokenTtl'>,
): number => Math.floor(Math.min(now + accessTokenTtl, expiresAt) / 1_000) * 1_000

/** Why a session is over by the clock alone, or undefined. */
export const endedByTime = (
  session: Pick<SessionRow, 'expires_at' | 'last_used_at'>,
  now: number,
  { sessionIdleTtl }: Pick<SessionTimes, 'sessionIdleTtl'>,
): 'expired' | 'idle' | undefined => {
  if (session.expires_at <= now) return 'expired'
  return session.last_used_at + sessionIdleTtl <= now ? 'idle' : undefined
}

/** Whether `now` is within the retry window of `since`. A clock that was set back does not hold it open. */
export const isInRetryWindow = (since: number, now: number, window: number): boolean =>
  Math.abs(now - since) < window

/** Whether a session has ended because it went on under a new id, so lately that its client may not know. */
export const isJustRenewed = (
  { ended_at, end_reason }: Pick<SessionRow, 'ended_at' | 'end_reason'>,
  now: number,
  { refreshRetryWindow }: Pick<SessionTimes, 'refreshRetryWindow'>,
): boolean =>
  ended_at !== null && end_reason === 'renewed' && isInRetryWindow(ended_at, now, refreshRetryWindow)
