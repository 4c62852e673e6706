import { lastRequestOf } from '../storage/counted-request.ts'
import type { Database } from '../storage/tables.ts'

/** More than any request leaves. */
const mostFound = 200

/**
 * The ids of the events that a request left, or that count it as the last of several refusals. By themselves: a
 * planner that does not know how few they are would rather read all events in another order.
 */
export const findIdsOfRequest = async (db: Database, requestId: string): Promise<readonly number[]> => {
  const events = db.selectFrom('audit_events').select('id').limit(mostFound)
  const own = await events.where('request_id', '=', requestId).execute()
  const counting = await events.where(lastRequestOf(db, 'details'), '=', requestId).execute()
  return [...new Set([...own, ...counting].map(({ id }) => id))]
}
