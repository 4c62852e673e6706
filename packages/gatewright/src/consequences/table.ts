import type { EndReason } from '../ground/end-reasons.ts'

/**
 * What each event ends, as data. **end** = refused at once; **keep** = untouched; **new id** = goes on
 * under a new id, which the answer carries; **re-read** = stays valid, with permissions as they are
 * after the event; **none** = there is none.
 */
export type Consequence = {
  readonly thisSession: 'end' | 'keep' | 'new id' | 're-read' | 'none'
  readonly otherSessions: 'end' | 'end that one' | 'keep' | 're-read' | 'stay ended'
  /** The browsers that are known again (`sessions/known-devices.ts`): of the user, or the one of this session. */
  readonly knownDevices: 'end' | 'end that device' | 'keep' | 'stay ended'
  /** Of the user. */
  readonly apiKeys: 'end' | 'keep' | 're-read' | 'stay ended'
  /**
   * Open codes and links (`codes/codes.ts`), but those that outlive everything: of the user, of the session
   * that ends, or those of a sign-in that waits for its second factor.
   */
  readonly codesAndLinks: 'end' | 'end of the session' | 'end of second factors' | 'keep' | 'stay ended'
  /** Why what ends has ended. */
  readonly reason?: EndReason
}

export const consequences = {
  logout: {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
    reason: 'logout',
  },
  'session idle': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
    reason: 'idle',
  },
  'session expired': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
    reason: 'expired',
  },
  'other session ended': {
    thisSession: 'keep',
    otherSessions: 'end that one',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
    reason: 'ended_by_owner',
  },
  'all others ended': {
    thisSession: 'keep',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'keep',
    codesAndLinks: 'end',
    reason: 'ended_by_owner',
  },
  'all ended by administrator': {
    thisSession: 'none',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'keep',
    codesAndLinks: 'end',
    reason: 'ended_by_administrator',
  },
  'step-up': {
    thisSession: 'new id',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
  },
  'password changed': {
    thisSession: 'new id',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'keep',
    codesAndLinks: 'end',
    reason: 'password_changed',
  },
  'second factor added': {
    thisSession: 'new id',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end',
  },
  'second factor removed': {
    thisSession: 'new id',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'keep',
    codesAndLinks: 'end',
    reason: 'second_factor_removed',
  },
  'second factors reset': {
    thisSession: 'none',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'keep',
    codesAndLinks: 'end',
    reason: 'second_factors_reset',
  },
  'recovery codes renewed': {
    thisSession: 'new id',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end of second factors',
  },
  'password reset': {
    thisSession: 'none',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'end',
    codesAndLinks: 'end',
    reason: 'password_reset',
  },
  'password change forced': {
    thisSession: 'none',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'keep',
    codesAndLinks: 'end',
    reason: 'password_change_forced',
  },
  'e-mail change undone': {
    thisSession: 'none',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'end',
    codesAndLinks: 'end',
    reason: 'email_change_undone',
  },
  'denied by owner': {
    thisSession: 'none',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'end',
    codesAndLinks: 'end',
    reason: 'denied_by_owner',
  },
  'e-mail changed': {
    thisSession: 'keep',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end',
  },
  'refresh token reused': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'end that device',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
    reason: 'refresh_token_reused',
  },
  'refresh token ahead': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'end that device',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
    reason: 'refresh_token_ahead',
  },
  'roles changed': {
    thisSession: 're-read',
    otherSessions: 're-read',
    knownDevices: 'keep',
    apiKeys: 're-read',
    codesAndLinks: 'keep',
  },
  'user disabled': {
    thisSession: 'end',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'end',
    codesAndLinks: 'end',
    reason: 'user_disabled',
  },
  'user deleted': {
    thisSession: 'end',
    otherSessions: 'end',
    knownDevices: 'end',
    apiKeys: 'end',
    codesAndLinks: 'end',
    reason: 'user_deleted',
  },
  'secret retired': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'keep',
    apiKeys: 'keep',
    codesAndLinks: 'end of the session',
    reason: 'secret_retired',
  },
  'user enabled': {
    thisSession: 'none',
    otherSessions: 'stay ended',
    knownDevices: 'stay ended',
    apiKeys: 'stay ended',
    codesAndLinks: 'stay ended',
  },
} as const satisfies Record<string, Consequence>

export type ConsequenceEvent = keyof typeof consequences
