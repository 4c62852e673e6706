import type { AuditEventRow, Database } from '../storage/tables.ts'

/** No index finds a request: so many events are looked through, the newest. */
const depth = 200_000

/** What a row says of refusals that it counts together. */
const lastOf = ({ details }: AuditEventRow): unknown => JSON.parse(details).last_request_id

/** The audit events that a request left, the oldest first; also where a row counts it as the last of several refusals. */
export const findEventsOfRequest = async (
  db: Database,
  requestId: string,
): Promise<readonly AuditEventRow[]> => {
  const rows = await db
    .selectFrom(db.selectFrom('audit_events').selectAll().orderBy('id', 'desc').limit(depth).as('newest'))
    .selectAll()
    .where(({ or, eb }) =>
      or([eb('request_id', '=', requestId), eb('details', 'like', `%"last_request_id":"${requestId}"%`)]),
    )
    .orderBy('id')
    .limit(100)
    .execute()
  // To `like` an underline is any character.
  return rows.filter(row => row.request_id === requestId || lastOf(row) === requestId)
}
