import { sql } from 'kysely'
import { isSqlite } from '../storage/columns.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { type AuditEventName, auditEvents, type EventTable } from './events.ts'
import { isIndexedEvent } from './indexed-events.ts'
import { type Origin, recordEvent } from './record.ts'

/** Why what is personal of some events was erased. */
export type EraseReason = 'user_deleted' | 'asked_for' | 'kept_long_enough'

type Dependencies = Parameters<typeof recordEvent>[0]
type Found = { readonly id: number; readonly at: number }

/** What one transaction erases; more is done by the next. */
export const eraseSize = 1_000

/**
 * Whether this role may erase. On PostgreSQL with two roles the server's may not: whoever has taken the server over
 * can then hide nothing.
 */
export const mayErase = async (db: Database): Promise<boolean> => {
  if (isSqlite(db)) return true
  const { rows } = await sql<{ held: boolean }>`
    select has_table_privilege('audit_personal', 'delete') as held`.execute(db)
  return rows[0]?.held === true
}

/** `['3', '7-9']`: as few words as there can be. */
const toRanges = (ids: readonly number[]): readonly string[] => {
  const ranges: { from: number; to: number }[] = []
  for (const id of [...ids].sort((one, other) => one - other)) {
    const last = ranges.at(-1)
    if (last !== undefined && last.to === id - 1) last.to = id
    else ranges.push({ from: id, to: id })
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
}

type Erasure = { readonly reason: EraseReason; readonly userId?: string; readonly origin: Origin }

/**
 * Takes away fields and salt of these events: their commitments say nothing from then on, and the chain stays whole.
 * An event tells of it, with their ids.
 */
const erase = async (
  dependencies: Dependencies,
  work: Work,
  found: readonly Found[],
  { reason, userId, origin }: Erasure,
): Promise<void> => {
  if (found.length === 0) return
  const ids = found.map(({ id }) => id)
  await recordEvent(dependencies, work, 'audit.erased', {
    // Without an address, which would be the next to erase.
    origin: { ...origin, address: null },
    ...(userId !== undefined && { userId }),
    reason,
    details: { events: toRanges(ids), count: ids.length },
  })
  await work.db.deleteFrom('audit_personal').where('event_id', 'in', ids).execute()
}

const selectPersonal = (db: Database) =>
  db
    .selectFrom('audit_events')
    .innerJoin('audit_personal', 'audit_personal.event_id', 'audit_events.id')
    .select(['audit_events.id', 'audit_events.at'])

/**
 * Events with something personal of this user. Of what another did to the account there is only that one's address,
 * unless it has words about the user.
 */
const findOfUser = async (db: Database, userId: string): Promise<readonly Found[]> => {
  const own = await selectPersonal(db)
    .where('user_id', '=', userId)
    .where(({ or, eb }) =>
      or([eb('actor', 'is', null), eb('actor', '=', userId), eb('audit_personal.details', '<>', '{}')]),
    )
    .limit(eraseSize)
    .execute()
  if (own.length > 0) return own
  return selectPersonal(db)
    .where('actor', '=', userId)
    .where(sql<boolean>`(user_id is null or actor <> user_id)`)
    .limit(eraseSize)
    .execute()
}

/**
 * Erases a part of what the audit log has of a person, in the caller's transaction.
 * @returns what was erased; again until nothing is
 */
export const eraseOfUser = async (
  dependencies: Dependencies,
  work: Work,
  erasure: Erasure & { readonly userId: string },
): Promise<readonly Found[]> => {
  const found = await findOfUser(work.db, erasure.userId)
  await erase(dependencies, work, found, erasure)
  return found
}

/** Erases all of it, in the caller's transaction. */
export const eraseAllOfUser = async (
  dependencies: Dependencies,
  work: Work,
  erasure: Erasure & { readonly userId: string },
): Promise<void> => {
  while ((await eraseOfUser(dependencies, work, erasure)).length > 0);
}

const table: EventTable = auditEvents
const kept = (Object.keys(auditEvents) as AuditEventName[]).flatMap(event => {
  const { personalKeptFor } = table[event] ?? {}
  return personalKeptFor === undefined ? [] : [{ event, personalKeptFor }]
})

/** Erases a part of what was kept for long enough; how many. */
export const eraseOverdue = async (
  dependencies: Dependencies,
  work: Work,
  origin: Origin,
): Promise<number> => {
  const now = dependencies.clock.now()
  for (const { event, personalKeptFor } of kept) {
    const found = await selectPersonal(work.db)
      .where('event', '=', event)
      .where(isIndexedEvent)
      .where('audit_events.at', '<', now - personalKeptFor)
      .limit(eraseSize)
      .execute()
    await erase(dependencies, work, found, { reason: 'kept_long_enough', origin })
    if (found.length > 0) return found.length
  }
  return 0
}
