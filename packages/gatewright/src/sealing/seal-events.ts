import { sql } from 'kysely'
import { genesis, hashOf } from '../audit/canonical.ts'
import type { AuditEventRow, Database } from '../storage/tables.ts'
import { isUniqueRefused } from '../storage/unique-refused.ts'

/** How far the chain has come, and what was signed of it. */
export type Head = {
  readonly position: number
  readonly hash: string
  /** The highest number of an event that has a seal. */
  readonly mostEvent: number
  /** The position of the newest checkpoint, and when it was made; 0 before the first. */
  readonly checked: number
  readonly checkedAt: number
}

const beforeAll: Head = { position: 0, hash: genesis, mostEvent: 0, checked: 0, checkedAt: 0 }

export const readHead = async (db: Database): Promise<Head> => {
  const { rows } = await sql<Head>`
    select s.position, s.hash, coalesce((select max(event_id) from audit_seals), 0) as "mostEvent",
      coalesce(c.position, 0) as checked, coalesce(c.at, 0) as "checkedAt"
    from (select position, hash from audit_seals order by position desc limit 1) s
      left join (select position, at from audit_checkpoints order by id desc limit 1) c on true`.execute(db)
  return rows[0] ?? beforeAll
}

/** How many events one statement seals. */
export const batchSize = 500

/** Events with numbers behind `after` (and up to `to`) that have no seal, by their numbers. */
export const listUnsealed = (
  db: Database,
  { after, to }: { readonly after: number; readonly to?: number },
): Promise<readonly AuditEventRow[]> =>
  db
    .selectFrom('audit_events as e')
    .selectAll('e')
    .where('e.id', '>', after)
    .$if(to !== undefined, query => query.where('e.id', '<=', to ?? 0))
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('audit_seals as s').select('s.position').whereRef('s.event_id', '=', 'e.id'))),
    )
    .orderBy('e.id')
    .limit(batchSize)
    .execute()

/** SQLite's SQLITE_CONSTRAINT_TRIGGER: the position is taken. */
const trigger = 1_811

const isTaken = (error: unknown): boolean =>
  isUniqueRefused(error) || (error instanceof Error && 'errcode' in error && error.errcode === trigger)

/** Where the chain ends with these events behind its head. */
type End = Pick<Head, 'position' | 'hash'>

/**
 * Hangs events on the chain, by one statement: all of them, or none where somebody else has sealed since the head was
 * read. So whoever was paused between the two, for however long, changes nothing.
 * @returns where the chain ends now; undefined where somebody else was first
 */
export const sealEvents = async (
  db: Database,
  head: End,
  events: readonly AuditEventRow[],
): Promise<End | undefined> => {
  let end = head
  const rows = events.map(event => {
    const place = { position: end.position + 1, previousHash: end.hash }
    end = { position: place.position, hash: hashOf(place, event) }
    return { ...end, event_id: event.id, previous_hash: place.previousHash }
  })
  try {
    await db.insertInto('audit_seals').values(rows).execute()
    return end
  } catch (error) {
    if (isTaken(error)) return undefined
    throw error
  }
}
