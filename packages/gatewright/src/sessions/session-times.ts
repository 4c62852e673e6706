import type { SessionRow } from '../storage/tables.ts'

/** Lives of sessions and tokens, in milliseconds. */
export type SessionTimes = {
  readonly accessTokenTtl: number
  readonly sessionIdleTtl: number
  readonly sessionMaxTtl: number
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
  { sessionIdleTtl }: SessionTimes,
): 'expired' | 'idle' | undefined => {
  if (session.expires_at <= now) return 'expired'
  return session.last_used_at + sessionIdleTtl <= now ? 'idle' : undefined
}

/** Whether `now` is within the retry window of `since`. A clock that was set back does not hold it open. */
export const isInRetryWindow = (since: number, now: number, window: number): boolean =>
  Math.abs(now - since) < window
