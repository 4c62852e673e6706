import { minute } from '../ground/clock.ts'
import { isAdministrative, type RoleTable } from '../permissions/roles.ts'
import type { SessionRow } from '../storage/tables.ts'

/** Lives of sessions and tokens, and the time for retries after a new one, in milliseconds. */
export type SessionTimes = {
  readonly accessTokenTtl: number
  readonly sessionIdleTtl: number
  readonly sessionMaxTtl: number
  readonly adminSessionIdleTtl: number
  readonly adminSessionMaxTtl: number
  readonly refreshRetryWindow: number
}

/** What holds for the sessions of one user. */
export type UserTimes = Pick<SessionTimes, 'accessTokenTtl' | 'sessionIdleTtl' | 'sessionMaxTtl'>

export const administratorTimes = (settings: SessionTimes): UserTimes => {
  const sessionIdleTtl = Math.min(settings.sessionIdleTtl, settings.adminSessionIdleTtl)
  const sessionMaxTtl = Math.min(settings.sessionMaxTtl, settings.adminSessionMaxTtl)
  return { sessionIdleTtl, sessionMaxTtl, accessTokenTtl: Math.min(settings.accessTokenTtl, sessionIdleTtl) }
}

/** By the roles as the database has them now, not as they were at the sign-in: whoever becomes an administrator has the shorter times at once. */
export const timesOf = (
  { settings, roleTable }: { readonly settings: SessionTimes; readonly roleTable: RoleTable },
  roles: readonly string[],
): UserTimes => (isAdministrative(roleTable, roles) ? administratorTimes(settings) : settings)

/** The absolute end. A shorter time holds for sessions that are there, a longer one for new ones. */
export const endOf = (
  { expires_at, created_at }: Pick<SessionRow, 'expires_at' | 'created_at'>,
  { sessionMaxTtl }: Pick<UserTimes, 'sessionMaxTtl'>,
): number => Math.min(expires_at, created_at + sessionMaxTtl)

/** The `exp` promised to a token made now: whole seconds, never past the session's own end. */
export const promisedExpiry = (
  now: number,
  session: Pick<SessionRow, 'expires_at' | 'created_at'>,
  times: Pick<UserTimes, 'accessTokenTtl' | 'sessionMaxTtl'>,
): number => Math.floor(Math.min(now + times.accessTokenTtl, endOf(session, times)) / 1_000) * 1_000

/** Why a session is over by the clock alone, or undefined. */
export const endedByTime = (
  session: Pick<SessionRow, 'expires_at' | 'created_at' | 'last_used_at'>,
  now: number,
  times: Pick<UserTimes, 'sessionIdleTtl' | 'sessionMaxTtl'>,
): 'expired' | 'idle' | undefined => {
  if (endOf(session, times) <= now) return 'expired'
  return session.last_used_at + times.sessionIdleTtl <= now ? 'idle' : undefined
}

/** How much of its idle time a session in use may look unused for, so that not every request writes. */
export const noteEvery = ({ sessionIdleTtl }: Pick<UserTimes, 'sessionIdleTtl'>): number =>
  Math.min(minute, sessionIdleTtl / 2)

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
