import type { EndReason } from '../sessions/sessions.ts'

/**
 * What each event ends, as data. **end** = refused at once; **keep** = untouched; **new id** = goes on
 * under a new id, which the answer carries; **re-read** = stays valid, with permissions as they are
 * after the event; **none** = there is none.
 */
export type Consequence = {
  readonly thisSession: 'end' | 'keep' | 'new id' | 're-read' | 'none'
  readonly otherSessions: 'end' | 'end that one' | 'keep' | 're-read' | 'stay ended'
  /** Why what ends has ended. */
  readonly reason?: EndReason
}

export const consequences = {
  logout: { thisSession: 'end', otherSessions: 'keep', reason: 'logout' },
  'session idle': { thisSession: 'end', otherSessions: 'keep', reason: 'idle' },
  'session expired': { thisSession: 'end', otherSessions: 'keep', reason: 'expired' },
  'other session ended': { thisSession: 'keep', otherSessions: 'end that one', reason: 'ended_by_owner' },
  'all others ended': { thisSession: 'keep', otherSessions: 'end', reason: 'ended_by_owner' },
  'step-up': { thisSession: 'new id', otherSessions: 'keep' },
  'password changed': { thisSession: 'new id', otherSessions: 'end', reason: 'password_changed' },
  'refresh token reused': { thisSession: 'end', otherSessions: 'keep', reason: 'refresh_token_reused' },
  'refresh token ahead': { thisSession: 'end', otherSessions: 'keep', reason: 'refresh_token_ahead' },
  'roles changed': { thisSession: 're-read', otherSessions: 're-read' },
  'user disabled': { thisSession: 'end', otherSessions: 'end', reason: 'user_disabled' },
  'user deleted': { thisSession: 'end', otherSessions: 'end', reason: 'user_deleted' },
  'secret retired': { thisSession: 'end', otherSessions: 'keep', reason: 'secret_retired' },
  'user enabled': { thisSession: 'none', otherSessions: 'stay ended' },
} as const satisfies Record<string, Consequence>

export type ConsequenceEvent = keyof typeof consequences
