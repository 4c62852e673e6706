import { endApiKeys, type KeyEndReason } from '../api-keys/api-keys.ts'
import type { Origin } from '../audit/record.ts'
import { endCodes } from '../codes/codes.ts'
import { endingPurposes, everyPurpose, type Purpose } from '../codes/purposes.ts'
import type { EndReason } from '../ground/end-reasons.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import { forgetDeviceOf, forgetDevices } from '../sessions/known-devices.ts'
import {
  closeRefreshWindow,
  endSessions,
  type LiveSession,
  renewSession,
  type SessionDependencies,
} from '../sessions/sessions.ts'
import type { Work } from '../storage/transaction.ts'
import { raiseVersion } from '../users/users.ts'
import { type Consequence, type ConsequenceEvent, consequences } from './table.ts'

type Subject = {
  readonly userId: string
  readonly origin: Origin
  /** The session in which the event happened, where the table's column is not empty. */
  readonly sessionId?: string
  /** The one other session that the event is about. */
  readonly otherSessionId?: string
  /** Why, where it is not the table's word: the same end, by somebody else. */
  readonly reason?: EndReason
  /** The proof that a new id carries (RFC 8176). */
  readonly amr?: readonly string[]
  /** When the person was last proved, where the event itself proves nothing anew. */
  readonly authTime?: number | undefined
  /** The secret that what a new id rests on is made with, asked before the user's row was locked. */
  readonly secretId?: string
}

/** What the event did: the session under its new id, how many ended, and the names of API keys that did. */
export type Outcome = {
  readonly renewed?: LiveSession
  readonly ended: number
  readonly endedKeys: readonly string[]
}

const required = (value: string | undefined, what: string): string => {
  if (value === undefined) throw new TypeError(`this event needs ${what}`)
  return value
}

/** Where there is no session in which it happened, nothing is left out. */
const isOfAll = (thisSession: Consequence['thisSession']): boolean =>
  thisSession === 'end' || thisSession === 'none'

/** How a row of the table chooses among the user's sessions; undefined where it ends none. */
const choose = (
  { thisSession, otherSessions }: Consequence,
  { userId, sessionId, otherSessionId }: Subject,
) => {
  if (otherSessions === 'end that one') return { userId, only: required(otherSessionId, 'the other session') }
  if (otherSessions === 'end' && isOfAll(thisSession)) return { userId }
  if (otherSessions === 'end') return { userId, except: required(sessionId, 'this session') }
  return thisSession === 'end' ? { userId, only: required(sessionId, 'this session') } : undefined
}

const latestPromise = async ({ db }: Work, userId: string): Promise<number> => {
  const row = await db
    .selectFrom('sessions')
    .select(eb => eb.fn.max('token_expires_at').as('latest'))
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return Number(row?.latest ?? 0)
}

const endKnownDevices = async (
  work: Work,
  row: Consequence,
  { userId, sessionId }: Subject,
): Promise<void> => {
  if (row.knownDevices === 'end') await forgetDevices(work, userId)
  if (row.knownDevices === 'end that device') await forgetDeviceOf(work, required(sessionId, 'this session'))
}

const endKeys = async (
  dependencies: SessionDependencies,
  work: Work,
  { apiKeys, reason }: Consequence,
  { userId, origin }: Subject,
): Promise<readonly string[]> =>
  apiKeys === 'end' && reason !== undefined
    ? // Reasons of rows that end keys are reasons of keys too: the table's type holds them to it.
      endApiKeys(dependencies, work, { userId }, { reason: reason as KeyEndReason, origin })
    : []

/** Those of a session end with it, in `endSessions`. */
const purposesThatEnd = ({ codesAndLinks, thisSession, otherSessions }: Consequence): readonly Purpose[] => {
  if (codesAndLinks === 'end of second factors') return ['second-factor']
  if (codesAndLinks !== 'end') return []
  return thisSession === 'end' && otherSessions === 'end' ? everyPurpose : endingPurposes
}

/** What ends codes as well: one that is being made at this moment must not be there after it. */
const raisesVersion = ({ otherSessions, codesAndLinks }: Consequence): boolean =>
  otherSessions === 'end' ||
  otherSessions === 're-read' ||
  codesAndLinks === 'end' ||
  codesAndLinks === 'end of second factors'

/**
 * Applies a row of the table in the transaction of its event. What ends more than its own session
 * first locks the user's row and raises its version, so that nothing begun before can be finished.
 */
export const applyConsequences = async (
  dependencies: SessionDependencies,
  work: Work,
  event: ConsequenceEvent,
  subject: Subject,
): Promise<Outcome> => {
  const row: Consequence = consequences[event]
  const { userId, sessionId, secretId, origin, amr = [], authTime } = subject
  const raises = raisesVersion(row)
  const version = raises ? await raiseVersion(work, userId) : undefined

  const choice = choose(row, subject)
  const ended =
    choice && row.reason !== undefined
      ? await endSessions(dependencies, work, choice, { reason: subject.reason ?? row.reason, origin })
      : { count: 0, promisedUntil: 0 }

  const purposes = purposesThatEnd(row)
  if (purposes.length > 0) await endCodes(work, userId, purposes)
  await endKnownDevices(work, row, subject)
  const endedKeys = await endKeys(dependencies, work, row, subject)

  if (isOfAll(row.thisSession) && row.otherSessions === 'end' && version !== undefined)
    await recordCutOffs(dependencies, work, [
      { kind: 'user', subject: userId, version, promisedUntil: ended.promisedUntil },
    ])
  if (row.thisSession === 're-read') {
    const promisedUntil = await latestPromise(work, userId)
    await recordCutOffs(dependencies, work, [{ kind: 'reread-user', subject: userId, promisedUntil }])
  }
  // What is done by a link may have no session.
  if (row.thisSession === 'keep' && sessionId !== undefined) await closeRefreshWindow(work, sessionId)
  if (row.thisSession !== 'new id') return { ended: ended.count, endedKeys }

  const { version: userVersion } = await work.db
    .selectFrom('users')
    .select('version')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  const renewed = await renewSession(dependencies, work, {
    userId,
    sessionId: required(sessionId, 'this session'),
    secretId: required(secretId, 'the secret in force'),
    userVersion,
    amr,
    authTime,
    origin,
  })
  return { renewed, ended: ended.count, endedKeys }
}

/** The same for an event after which this session goes on: under its new id, which the answer carries. */
export const applyAndRenew = async (
  dependencies: SessionDependencies,
  work: Work,
  event: ConsequenceEvent,
  subject: Subject,
): Promise<LiveSession> => {
  const { renewed } = await applyConsequences(dependencies, work, event, subject)
  if (renewed === undefined) throw new TypeError('this event gives a new id')
  return renewed
}
