import { isIndexedEvent } from '../audit/indexed-events.ts'
import type { Database } from '../storage/tables.ts'

/** At which position of the chain the newest restore is recorded; undefined before it is sealed. */
export const findAdoption = async (db: Database): Promise<number | undefined> => {
  const row = await db
    .selectFrom('audit_events')
    .leftJoin('audit_seals', 'audit_seals.event_id', 'audit_events.id')
    .select('audit_seals.position')
    .where('event', '=', 'database.adopted')
    .where(isIndexedEvent)
    .orderBy('audit_events.id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.position ?? undefined
}
