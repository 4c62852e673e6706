import type { EndReason } from '../sessions/sessions.ts'

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
  /** Why what ends has ended. */
  readonly reason?: EndReason
}

export const consequences = {
  logout: { thisSession: 'end', otherSessions: 'keep', knownDevices: 'keep', reason: 'logout' },
  'session idle': { thisSession: 'end', otherSessions: 'keep', knownDevices: 'keep', reason: 'idle' },
  'session expired': { thisSession: 'end', otherSessions: 'keep', knownDevices: 'keep', reason: 'expired' },
  'other session ended': {
    thisSession: 'keep',
    otherSessions: 'end that one',
    knownDevices: 'keep',
    reason: 'ended_by_owner',
  },
  'all others ended': {
    thisSession: 'keep',
    otherSessions: 'end',
    knownDevices: 'end',
    reason: 'ended_by_owner',
  },
  'step-up': { thisSession: 'new id', otherSessions: 'keep', knownDevices: 'keep' },
  'password changed': {
    thisSession: 'new id',
    otherSessions: 'end',
    knownDevices: 'end',
    reason: 'password_changed',
  },
  'refresh token reused': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'end that device',
    reason: 'refresh_token_reused',
  },
  'refresh token ahead': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'end that device',
    reason: 'refresh_token_ahead',
  },
  'roles changed': { thisSession: 're-read', otherSessions: 're-read', knownDevices: 'keep' },
  'user disabled': { thisSession: 'end', otherSessions: 'end', knownDevices: 'end', reason: 'user_disabled' },
  'user deleted': { thisSession: 'end', otherSessions: 'end', knownDevices: 'end', reason: 'user_deleted' },
  'secret retired': {
    thisSession: 'end',
    otherSessions: 'keep',
    knownDevices: 'keep',
    reason: 'secret_retired',
  },
  'user enabled': { thisSession: 'none', otherSessions: 'stay ended', knownDevices: 'stay ended' },
} as const satisfies Record<string, Consequence>

export type ConsequenceEvent = keyof typeof consequences
