import { systemOrigin } from '../audit/record.ts'
import { endOvertime } from '../consequences/overtime.ts'
import { endedByTime, timesOf } from '../sessions/session-times.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { SessionRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { findRoles } from '../users/users.ts'

/** How many live sessions one transaction looks at, and how many it ends, at most. */
const lookedAt = 500
const mostEnded = 20

const columns = ['id', 'user_id', 'created_at', 'expires_at', 'last_used_at', 'address'] as const
type Overdue = Pick<SessionRow, (typeof columns)[number]>

/** Behind which session the next look begins. */
export type Place = Pick<SessionRow, 'id' | 'expires_at'>
export const firstPlace: Place = { id: '', expires_at: 0 }

const listLive = ({ db }: Work, { id, expires_at }: Place): Promise<Overdue[]> =>
  db
    .selectFrom('sessions')
    .select(columns)
    .where('ended_at', 'is', null)
    .where(({ eb, refTuple, tuple }) => eb(refTuple('expires_at', 'id'), '>', tuple(expires_at, id)))
    .orderBy('expires_at')
    .orderBy('id')
    .limit(lookedAt)
    .execute()

type Judged = { readonly session: Overdue; readonly reason: 'idle' | 'expired' }

/** Those that are over by the times of their users, whose roles are read anew, and why. */
const judge = async (
  dependencies: SessionDependencies,
  { db }: Work,
  sessions: readonly Overdue[],
): Promise<readonly Judged[]> => {
  const { clock, uses } = dependencies
  const rolesOf = await findRoles(db, [...new Set(sessions.map(session => session.user_id))])
  return sessions.flatMap(session => {
    const times = timesOf(dependencies, rolesOf(session.user_id))
    const reason = endedByTime(uses.withLastUse(session), clock.now(), times)
    return reason === undefined ? [] : [{ session, reason }]
  })
}

/**
 * Locks users and then sessions, in the order in which everybody does, and none that somebody else has: a
 * user who is at work is passed over.
 */
const lockSessions = async (
  { db, beforeLock }: Work,
  overdue: readonly Judged[],
): Promise<readonly Overdue[]> => {
  beforeLock('user')
  const ids = new Set(overdue.map(({ session }) => session.user_id))
  const users = await db
    .selectFrom('users')
    .select('id')
    .where('id', 'in', [...ids])
    .orderBy('id')
    .forNoKeyUpdate()
    .skipLocked()
    .execute()
  if (users.length === 0) return []
  return db
    .selectFrom('sessions')
    .select(columns)
    .where(
      'id',
      'in',
      overdue.map(({ session }) => session.id),
    )
    .where(
      'user_id',
      'in',
      users.map(user => user.id),
    )
    .where('ended_at', 'is', null)
    .forNoKeyUpdate()
    .skipLocked()
    .execute()
}

/**
 * Ends sessions that are over by time and that nobody has shown since, with all that belongs to it: audit
 * event, cut-off, hook. Each is judged again once its user is locked, so one that is used at this moment is
 * either ended or goes on, never both.
 * @returns how many have ended, and behind which place to go on; undefined after the last one
 */
export const endOverdueSessions = async (
  dependencies: SessionDependencies,
  work: Work,
  after: Place,
): Promise<{ readonly ended: number; readonly next: Place | undefined }> => {
  const live = await listLive(work, after)
  const overdue = (await judge(dependencies, work, live)).slice(0, mostEnded)
  const next = overdue.length === mostEnded ? overdue.at(-1)?.session : live[lookedAt - 1]
  if (overdue.length === 0) return { ended: 0, next }
  let ended = 0
  const locked = await lockSessions(work, overdue)
  for (const { session, reason } of await judge(dependencies, work, locked)) {
    const subject = { userId: session.user_id, sessionId: session.id, origin: systemOrigin }
    ended += await endOvertime(dependencies, work, reason, subject)
  }
  return { ended, next }
}
