import { sql } from 'kysely'
import { isSqlite } from '../storage/columns.ts'
import type { CutOffRow, Database } from '../storage/tables.ts'

/** Where a reader stands: on SQLite the last place it read, on PostgreSQL the first transaction it may lack. */
export type FeedPosition = string

/** Before everything. */
export const feedStart: FeedPosition = '0'

export type FeedRead = {
  readonly rows: readonly CutOffRow[]
  readonly next: FeedPosition
}

/** One writer and ids that only grow: what stands behind the last place is new. */
const readByPlace = async (db: Database, position: FeedPosition): Promise<FeedRead> => {
  const rows = await db
    .selectFrom('cut_offs')
    .selectAll()
    .where('place', '>', Number(position))
    .orderBy('place')
    .execute()
  return { rows, next: String(rows.at(-1)?.place ?? position) }
}

/**
 * Several writers commit in any order. One statement reads all rows of transactions that were not over at
 * the read before (at or above its oldest running one), and which one is the oldest now: a row is seen
 * twice, which is harmless, and none is missed; nobody waits for gaps.
 */
const readByTransaction = async (db: Database, position: FeedPosition): Promise<FeedRead> => {
  const { rows } = await sql<CutOffRow & { readonly next: string }>`
    with horizon as (select pg_snapshot_xmin(pg_current_snapshot())::text as next)
    select horizon.next, cut_offs.place, kind, subject, version, matters_until, created_at
    from horizon left join cut_offs on transaction_id >= ${position}::text::xid8
    order by cut_offs.place`.execute(db)
  const { next = position } = rows[0] ?? {}
  return { rows: rows.filter(({ place }) => place !== null), next }
}

/** All cut-offs that may have become visible since `position`. */
export const readFeed = (db: Database, position: FeedPosition): Promise<FeedRead> =>
  isSqlite(db) ? readByPlace(db, position) : readByTransaction(db, position)
