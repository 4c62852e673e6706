import { sql } from 'kysely'
import type { Origin } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { endedByTime, endOf, timesOf } from '../sessions/session-times.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { isBehind, type KeyedOrder, type KeyedPage, type KeyedRange, toKeyedPage } from '../storage/keyset.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { findRoles, lockUser } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'

type Dependencies = Pick<SessionDependencies, 'settings' | 'roleTable' | 'uses'> & {
  readonly db: Database
  readonly clock: Clock
}

/** A live session of whomever, and whose it is. */
export type AnySession = { readonly session: SessionRow; readonly username: string }

/** By their beginning: an index over the last use would be written with every refresh. */
const newestFirst: KeyedOrder = { key: 'sessions.created_at', id: 'sessions.id', direction: 'desc' }

const readRows = (
  db: Database,
  { limit, after, userId }: KeyedRange & { readonly userId?: string | undefined },
) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('sessions')
    .select('users.username')
    .where('ended_at', 'is', null)
    .where(isBehind(newestFirst, after))
    .$if(userId !== undefined, query => query.where('sessions.user_id', '=', userId ?? ''))
    .orderBy(sql.ref(newestFirst.key), 'desc')
    .orderBy(sql.ref(newestFirst.id), 'desc')
    .limit(limit + 1)
    .execute()

/**
 * A page of the live sessions of everybody or of one user, the newest sign-in first, behind a place. Those that are
 * over by the clock are left out, so it may hold fewer than `limit`, or none, and still have a next one.
 */
export const listSessionsBehind = async (
  dependencies: Dependencies,
  range: KeyedRange & { readonly userId?: string | undefined },
): Promise<KeyedPage<AnySession>> => {
  const { db, clock, uses } = dependencies
  const rows = await readRows(db, range)
  const page = toKeyedPage(rows, range.limit, row => ({ key: row.created_at, id: row.id }))
  const rolesOf = await findRoles(db, [...new Set(page.rows.map(row => row.user_id))])
  const live = page.rows.flatMap(({ username, ...row }) => {
    const session = uses.withLastUse(row)
    const times = timesOf(dependencies, rolesOf(row.user_id))
    if (endedByTime(session, clock.now(), times) !== undefined) return []
    return [{ session: { ...session, expires_at: endOf(session, times) }, username }]
  })
  return { ...page, rows: live }
}

const notLive = (): Refusal =>
  new Refusal('not_found', { detail: 'No session with this id is live: it has ended, or never was.' })

const findOwner = async ({ db }: Work, sessionId: string): Promise<string> => {
  const row = await db
    .selectFrom('sessions')
    .select('user_id')
    .where('id', '=', sessionId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) throw notLive()
  return row.user_id
}

/**
 * Ends one session of whomever, at once and everywhere. Its owner finds the reason.
 * @param caller the administrator's session, where there is one; the command line has none
 * @returns whose it was
 * @throws Refusal `not_found` for one that is not live; `insufficient_permission` where its owner may do what the
 *   caller may not
 */
export const endAnySession = (
  dependencies: SessionDependencies & Granting & { readonly db: Database },
  { sessionId, origin }: { readonly sessionId: string; readonly origin: Origin },
  caller?: Caller,
): Promise<{ readonly userId: string }> =>
  inTransaction(dependencies.db, async work => {
    const userId = await findOwner(work, sessionId)
    await holdAdministrator(dependencies, work, caller, { needed: ['sessions:write'], over: userId })
    await lockUser(work, userId)
    const { ended } = await applyConsequences(dependencies, work, 'other session ended', {
      userId,
      otherSessionId: sessionId,
      reason: 'ended_by_administrator',
      origin,
    })
    // It ended, or went on under a new id, while this waited for its owner's row.
    if (ended === 0) throw notLive()
    return { userId }
  })
