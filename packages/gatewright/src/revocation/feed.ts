import { type RawBuilder, sql } from 'kysely'
import { isSqlite } from '../storage/columns.ts'
import type { CutOffRow, Database } from '../storage/tables.ts'

/** Where a reader stands: on SQLite the last place, on PostgreSQL the server and the snapshot it read by. */
export type FeedPosition = string

/** Before everything. */
export const feedStart: FeedPosition = '0'

export type FeedRead = {
  readonly rows: readonly CutOffRow[]
  readonly next: FeedPosition
  /** The server has lost what it knew at `position`, or may have: only a read from the start is complete. */
  readonly hasGoneBack: boolean
}

type Way = {
  /** Gives one row, with the position after this read as `next`. */
  readonly head: (position: FeedPosition) => RawBuilder<unknown>
  /** Which cut-offs the read before has not seen. */
  readonly isNew: (position: FeedPosition) => RawBuilder<unknown>
  readonly hasGoneBack: (position: FeedPosition, next: FeedPosition) => boolean
}

/** One writer and ids that only grow: what stands behind the last place is new. */
const byPlace: Way = {
  head: position => sql`select coalesce(max(place), ${Number(position)}) as next from cut_offs`,
  isNew: position => sql`place > ${Number(position)}`,
  hasGoneBack: () => false,
}

const parsePosition = (position: FeedPosition) => {
  const [server = '', snapshot = ''] = position.split(' ')
  return { server, snapshot, xmax: BigInt(snapshot.split(':')[1] ?? 0) }
}

/** A snapshot that sees no transaction. */
const beforeAll = '1:1:'
const snapshotOf = (position: FeedPosition): RawBuilder<unknown> =>
  sql`${position === feedStart ? beforeAll : parsePosition(position).snapshot}::text::pg_snapshot`

/** When it started, and when it last lost its memory: a crash of one of its processes empties its statistics. */
const server = sql`concat(extract(epoch from pg_postmaster_start_time()), '/',
  (select extract(epoch from stats_reset) from pg_stat_archiver))`

/**
 * Several writers commit in any order. One statement reads all rows of transactions that the snapshot of
 * the read before did not see (those that ran then, and those that had not begun), and tells its own: none
 * is missed or read twice, nobody waits for gaps, and a transaction that stays open holds up nothing.
 *
 * A server that crashed, a stand-by that was promoted, a backup that was restored may give numbers of
 * transactions again that we have seen, and their rows would pass for known. So a server that is another
 * one, started anew, or counts below what it had counted to is read from the start.
 */
const byTransaction: Way = {
  head: () => sql`select concat(${server}, ' ', pg_current_snapshot()) as next where not pg_is_in_recovery()`,
  isNew: position => sql`transaction_id >= pg_snapshot_xmax(${snapshotOf(position)})
    or transaction_id = any(array(select pg_snapshot_xip(${snapshotOf(position)})))`,
  hasGoneBack: (position, next) => {
    const [before, now] = [parsePosition(position), parsePosition(next)]
    return now.server !== before.server || now.xmax < before.xmax
  },
}

/** A part of what a read gives: so many rows at most, all of a later place than `after`. */
export type FeedPage = { readonly after: number; readonly most: number }

const whole: FeedPage = { after: 0, most: Number.MAX_SAFE_INTEGER }

/**
 * All cut-offs that may have become visible since `position` and still matter at `now`. That is the
 * process's own time, which never runs backwards: no token that it will ever take for unexpired has
 * a cut-off that no longer matters, whatever its clock is set to.
 * @throws Error where the server is a stand-by: what it knows is late
 */
export const readFeed = async (
  db: Database,
  position: FeedPosition,
  now: number,
  { after, most }: FeedPage = whole,
): Promise<FeedRead> => {
  const way = isSqlite(db) ? byPlace : byTransaction
  const { rows } = await sql<CutOffRow & { readonly next: string | number }>`
    with head as (${way.head(position)})
    select head.next, cut_offs.place, kind, subject, version, matters_until, created_at
    from head left join cut_offs on matters_until >= ${now} and place > ${after} and (${way.isNew(position)})
    order by cut_offs.place limit ${most}`.execute(db)
  const [first] = rows
  if (first === undefined) throw new Error('the server of the database is a stand-by, which is late')
  const next = String(first.next)
  return {
    rows: rows.filter(({ place }) => place !== null),
    next,
    hasGoneBack: position !== feedStart && way.hasGoneBack(position, next),
  }
}
