import type { Origin } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import { isInRetryWindow } from '../sessions/session-times.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'
import { holdProvenSession } from './own-factors.ts'

type Dependencies = SessionDependencies & { readonly db: Database }

type OwnSession = { readonly userId: string; readonly sessionId: string; readonly origin: Origin }

/**
 * Ends the session, durably before it is answered. A session already ended stays ended; one that was
 * renewed within the retry window is followed to its new id, so that the second of two tabs signs out
 * what the first has just renewed.
 */
export const logOut = (
  dependencies: Dependencies,
  { userId, sessionId, origin }: OwnSession,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await lockUser(work, userId)
    const find = (id: string): Promise<SessionRow | undefined> =>
      work.db
        .selectFrom('sessions')
        .selectAll()
        .where('id', '=', id)
        .where('user_id', '=', userId)
        .executeTakeFirst()
    const { clock, settings } = dependencies
    const isFollowed = ({ ended_at }: SessionRow): boolean =>
      ended_at !== null && isInRetryWindow(ended_at, clock.now(), settings.refreshRetryWindow)
    const end = async (id: string): Promise<void> => {
      let session = await find(id)
      while (session?.replaced_by != null && isFollowed(session)) session = await find(session.replaced_by)
      if (session === undefined || session.ended_at !== null) return
      const subject = { userId, sessionId: session.id, origin }
      const { ended } = await applyConsequences(dependencies, work, 'logout', subject)
      // Somebody was faster: what ended it, or what goes on in its place, is seen only now.
      if (ended === 0) await end(session.id)
    }
    await end(sessionId)
  })

/** Ends one other session of the user. @throws Refusal `not_found` when there is no such live session */
export const endOtherSession = (
  dependencies: Dependencies,
  { otherSessionId, ...own }: OwnSession & { readonly otherSessionId: string },
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await holdProvenSession(work, own)
    const { ended } = await applyConsequences(dependencies, work, 'other session ended', {
      ...own,
      otherSessionId,
    })
    if (ended === 0) throw new Refusal('not_found')
  })

/** Ends all sessions of the user but this one. */
export const endAllOtherSessions = (dependencies: Dependencies, own: OwnSession): Promise<number> =>
  inTransaction(dependencies.db, async work => {
    await holdProvenSession(work, own)
    const { ended } = await applyConsequences(dependencies, work, 'all others ended', own)
    return ended
  })
