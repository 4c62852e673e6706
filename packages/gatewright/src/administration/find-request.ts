import { type RecordedEvent, selectEvents, toRecorded } from '../audit/read-events.ts'
import { lastRequestOf } from '../storage/counted-request.ts'
import type { Database } from '../storage/tables.ts'

const mostFound = 100

/** The audit events that a request left, the oldest first; also where a row counts it as the last of several refusals. */
export const findEventsOfRequest = async (
  db: Database,
  requestId: string,
): Promise<readonly RecordedEvent[]> => {
  const own = selectEvents(db).where('audit_events.request_id', '=', requestId)
  const counting = selectEvents(db).where(lastRequestOf(db, 'audit_events.details'), '=', requestId)
  const rows = [
    ...(await own.orderBy('audit_events.id').limit(mostFound).execute()),
    ...(await counting.orderBy('audit_events.id').limit(mostFound).execute()),
  ]
  const byId = new Map(rows.map(row => [row.id, toRecorded(row)]))
  return [...byId.values()].sort((one, other) => one.id - other.id)
}
