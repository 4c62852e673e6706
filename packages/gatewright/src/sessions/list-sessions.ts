import type { Clock } from '../ground/clock.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { listRoles } from '../users/users.ts'
import { endedByTime, endOf, timesOf } from './session-times.ts'
import { lastUsedFirst, type SessionDependencies } from './sessions.ts'

type Dependencies = Pick<SessionDependencies, 'settings' | 'roleTable' | 'uses'> & {
  readonly db: Database
  readonly clock: Clock
}

/** The live sessions of a user, last used first, each with the end that holds for that user now. */
export const listSessions = async (
  dependencies: Dependencies,
  userId: string,
): Promise<readonly SessionRow[]> => {
  const { db, clock, uses } = dependencies
  const rows = await db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .execute()
  const times = timesOf(dependencies, await listRoles(db, userId))
  return rows
    .map(uses.withLastUse)
    .filter(row => endedByTime(row, clock.now(), times) === undefined)
    .map(row => ({ ...row, expires_at: endOf(row, times) }))
    .sort(lastUsedFirst)
}
