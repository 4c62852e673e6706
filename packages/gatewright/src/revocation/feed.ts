import { type RawBuilder, sql } from 'kysely'
import { isSqlite } from '../storage/columns.ts'
import type { CutOffRow, Database } from '../storage/tables.ts'
import { changeOf, type FeedChange, type FeedHead } from './feed-head.ts'

/** Where a reader stands: the head that it last read by, and how far it has come where that took several reads. */
export type FeedPosition = FeedHead & { readonly after?: number }

/** Before everything. */
export const feedStart = undefined

export type FeedRead = {
  readonly rows: readonly CutOffRow[]
  readonly next: FeedPosition
  /** The feed is not the one of `position`, or not as it was: only a read from the start is complete. */
  readonly change?: FeedChange
  /** Everything up to the head was read. Else the next read goes on from here. */
  readonly isWhole: boolean
}

type Way = {
  /** Gives one row, with what of the head can be told; `former` is the head of the read before. */
  readonly head: (former: FeedHead | undefined) => RawBuilder<unknown>
  /** Which cut-offs the read before has not seen: each condition is found by the index of `column`. */
  readonly isNew: (former: FeedHead) => readonly RawBuilder<unknown>[]
  readonly column: RawBuilder<unknown>
}

const place = sql`coalesce((select seq from sqlite_sequence where name = 'cut_offs'), 0)`
const markAt = (at: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`coalesce((select concat(subject, ' ', created_at) from cut_offs where place = ${at}), '')`

/** One writer and ids that only grow: what stands behind the last place is new. */
const byPlace: Way = {
  head: former => sql`select '' as server, '' as timeline, ${place} as written, '' as snapshot,
    ${markAt(place)} as mark, ${markAt(sql`${former === undefined ? 0 : Number(former.written)}`)} as formermark`,
  isNew: ({ written }) => [sql`place > ${Number(written)}`],
  column: sql`place`,
}

const snapshotOf = ({ snapshot }: FeedHead): RawBuilder<unknown> => sql`${snapshot}::text::pg_snapshot`

/** When it started, and when it last lost its memory: a crash of one of its processes empties its statistics. */
const server = sql`concat(extract(epoch from pg_postmaster_start_time()), '/',
  (select extract(epoch from stats_reset) from pg_stat_archiver))`
/** The end of what it has written down for good, which a crash does not take back. */
const written = sql`pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::text`
const timeline = sql`substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8)`

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
  head: () => sql`select ${server} as server, ${timeline} as timeline, ${written} as written,
    pg_current_snapshot()::text as snapshot, '' as mark, '' as formermark where not pg_is_in_recovery()`,
  isNew: former => [
    sql`transaction_id >= pg_snapshot_xmax(${snapshotOf(former)})`,
    sql`transaction_id = any(array(select pg_snapshot_xip(${snapshotOf(former)})))`,
  ],
  column: sql`transaction_id`,
}

/** So many rows a read has at most that begins at the start: what a million at once leave behind stays for good. */
const pageSize = 500
/** So many came since the read before at most, as a rule. */
const usuallyNew = 2_000

type FoundRow = CutOffRow & {
  readonly epoch: string
  readonly server: string
  readonly timeline: string
  readonly written: string | number
  readonly snapshot: string
  readonly mark: string
  readonly formermark: string
}

const toHead = ({ epoch, server, timeline, written, snapshot, mark }: FoundRow): FeedHead => ({
  epoch,
  server,
  timeline,
  written: String(written),
  snapshot,
  mark,
})

/**
 * The order and the limit are there for the planner: whatever it takes the table for, it then goes by the index
 * of `column`, and never through all that lives. By the index of times each page would sort all of them.
 */
const selectSome = (
  condition: RawBuilder<unknown>,
  column: RawBuilder<unknown>,
  now: number,
  most: number,
): RawBuilder<unknown> =>
  sql`select * from (select place, kind, subject, version, matters_until, created_at from cut_offs
    where matters_until + 0 >= ${now} and ${condition} order by ${column} limit ${most}) as part`

const selectPage = (after: number, now: number, most: number): RawBuilder<unknown> =>
  selectSome(sql`place > ${after}`, sql`place`, now, most)

const selectNew = (
  { isNew, column }: Way,
  former: FeedHead,
  now: number,
  most: number,
): RawBuilder<unknown> =>
  sql.join(
    isNew(former).map(condition => selectSome(condition, column, now, most)),
    sql` union all `,
  )

/** One more page; the head is still that of the first. */
const readPage = async (
  db: Database,
  { after, ...head }: FeedPosition & { readonly after: number },
  now: number,
  most: number,
): Promise<FeedRead> => {
  const { rows } = await sql<CutOffRow>`${selectPage(after, now, most)}`.execute(db)
  return toRead(rows, head, rows.length < most)
}

const toRead = (rows: readonly CutOffRow[], head: FeedHead, isWhole: boolean): FeedRead => ({
  rows,
  next: isWhole ? head : { ...head, after: rows.at(-1)?.place ?? 0 },
  isWhole,
})

const readOnce = async (
  db: Database,
  position: FeedHead | undefined,
  now: number,
  most: number,
): Promise<FeedRead> => {
  const way = isSqlite(db) ? byPlace : byTransaction
  const { rows } = await sql<FoundRow>`
    with head as (${way.head(position)}),
      part as (${position === undefined ? selectPage(0, now, most) : selectNew(way, position, now, most)})
    select coalesce((select epoch from installation where id = 1), '') as epoch, head.*, part.*
    from head left join part on true order by part.place`.execute(db)
  const [first] = rows
  if (first === undefined) throw new Error('the server of the database is a stand-by, which is late')
  const head = toHead(first)
  const found = rows.filter(row => row.place !== null)
  const isWhole = found.length < most
  if (position === undefined) return toRead(found, head, isWhole)
  const change = changeOf(position, head, first.formermark)
  return { rows: found, next: head, isWhole, ...(change && { change }) }
}

/**
 * All cut-offs that may have become visible since `position` and still matter at `now`. That is the
 * process's own time, which never runs backwards: no token that it will ever take for unexpired has
 * a cut-off that no longer matters, whatever its clock is set to.
 *
 * From the start they come by pages. What becomes visible while they are read stands behind the head of the
 * first page, and so does a change of the database: both come with the read after them.
 * @param most rows. Without a word a page has 500, and what came since `position` is told whole
 * @throws Error where the server is a stand-by: what it knows is late
 */
export const readFeed = async (
  db: Database,
  position: FeedPosition | undefined,
  now: number,
  most?: number,
): Promise<FeedRead> => {
  if (position?.after !== undefined)
    return readPage(db, { ...position, after: position.after }, now, most ?? pageSize)
  if (position === undefined || most !== undefined) return readOnce(db, position, now, most ?? pageSize)
  const read = await readOnce(db, position, now, usuallyNew)
  return read.isWhole ? read : readOnce(db, position, now, Number.MAX_SAFE_INTEGER)
}
