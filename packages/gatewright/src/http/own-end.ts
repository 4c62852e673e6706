import type { Engine } from '../compose.ts'
import type { Passage } from '../gate/passage.ts'
import { toTimestamp } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { SessionEnd } from '../sessions/session-ends.ts'
import { findProvenSession } from './proven-session.ts'

/** The log and the audit record get the exact reason as well. */
const withEnd = ({ details }: Refusal, { reason, at }: SessionEnd): Refusal =>
  new Refusal('session_ended', {
    ...details,
    reason,
    members: { ...details.members, reason, ended_at: toTimestamp(at) },
  })

/**
 * Who shows a credential of a session that has ended is told why, and when: its signature, its MAC or the database
 * has said that it is one of ours. Everybody else is told what they were told before.
 */
export const tellOwnEnd = (
  { sessionEnds }: Pick<Engine, 'sessionEnds'>,
  passage: Passage | undefined,
  refusal: Refusal,
): Refusal | Promise<Refusal> => {
  if (passage === undefined || refusal.code !== 'session_ended') return refusal
  const sessionId = findProvenSession(passage, refusal)?.sessionId
  if (sessionId === undefined) return refusal
  return sessionEnds.find(sessionId).then(end => (end === undefined ? refusal : withEnd(refusal, end)))
}
