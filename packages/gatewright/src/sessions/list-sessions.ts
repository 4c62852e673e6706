import type { Clock } from '../ground/clock.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import type { SessionTimes } from './session-times.ts'

/** The live sessions of a user, last used first. */
export const listSessions = (
  { db, clock, settings }: { readonly db: Database; readonly clock: Clock; readonly settings: SessionTimes },
  userId: string,
): Promise<SessionRow[]> => {
  const now = clock.now()
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .where('last_used_at', '>', now - settings.sessionIdleTtl)
    .orderBy('last_used_at', 'desc')
    .orderBy('created_at', 'desc')
    .execute()
}
