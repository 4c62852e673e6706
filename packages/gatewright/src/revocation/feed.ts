import { sql } from 'kysely'
import { isSqlite } from '../storage/columns.ts'
import type { CutOffRow, Database } from '../storage/tables.ts'

/** Where a reader stands: on SQLite the last place it read, on PostgreSQL the snapshot it read by. */
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

/** A snapshot that sees no transaction. */
const beforeAll = '1:1:'

/**
 * Several writers commit in any order. One statement reads all rows of transactions that the snapshot of
 * the read before did not see (those that ran then, and those that had not begun), and tells its own: none
 * is missed or read twice, nobody waits for gaps, and a transaction that stays open holds up nothing.
 */
const readByTransaction = async (db: Database, position: FeedPosition): Promise<FeedRead> => {
  const before = position === feedStart ? beforeAll : position
  const { rows } = await sql<CutOffRow & { readonly next: string }>`
    with snapshot as (select pg_current_snapshot()::text as next)
    select snapshot.next, cut_offs.place, kind, subject, version, matters_until, created_at
    from snapshot left join cut_offs
      on transaction_id >= pg_snapshot_xmax(${before}::text::pg_snapshot)
      or transaction_id = any(array(select pg_snapshot_xip(${before}::text::pg_snapshot)))
    order by cut_offs.place`.execute(db)
  const { next = position } = rows[0] ?? {}
  return { rows: rows.filter(({ place }) => place !== null), next }
}

/** All cut-offs that may have become visible since `position`. */
export const readFeed = (db: Database, position: FeedPosition): Promise<FeedRead> =>
  isSqlite(db) ? readByPlace(db, position) : readByTransaction(db, position)
