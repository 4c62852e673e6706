import { type RecordedEvent, selectEvents, toRecorded } from '../audit/read-events.ts'
import { findIdsOfRequest } from '../audit/request-events.ts'
import type { Database } from '../storage/tables.ts'

/** The audit events that a request left, the oldest first; also where a row counts it as the last of several refusals. */
export const findEventsOfRequest = async (
  db: Database,
  requestId: string,
): Promise<readonly RecordedEvent[]> => {
  const ids = await findIdsOfRequest(db, requestId)
  if (ids.length === 0) return []
  const rows = await selectEvents(db).where('audit_events.id', 'in', ids).orderBy('audit_events.id').execute()
  return rows.map(toRecorded)
}
