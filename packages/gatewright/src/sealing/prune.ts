import { sql } from 'kysely'
import { type Origin, recordEvent } from '../audit/record.ts'
import { isSqlite } from '../storage/columns.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import type { Anchors } from './anchors.ts'
import type { KeyDependencies } from './audit-keys.ts'
import { addCheckpoint } from './checkpoints.ts'

/** How many events one pruning covers at most. */
const mostAtOnce = 20_000
/** How many one transaction deletes. */
const pruneBatch = 200

export type PruneDependencies = KeyDependencies & { readonly anchors?: Anchors }

type Prefix = { readonly from: number; readonly to: number; readonly hash: string }

/**
 * The longest beginning of the chain in which every event is older than that; never all of it, and nothing from the
 * first seal on whose event is gone: what somebody damaged is kept.
 */
const findPrefix = async (db: Database, before: number): Promise<Prefix | undefined> => {
  const { rows } = await sql<{ first: number | null; kept: number | null; most: number | null }>`
    select min(x.position) as first, max(x.position) as most,
      min(case when x.at is null or x.at >= ${before} then x.position end) as kept
    from (select s.position, e.at from audit_seals s left join audit_events e on e.id = s.event_id
      order by s.position limit ${sql.lit(mostAtOnce)}) x`.execute(db)
  const { first = null, kept = null, most = null } = rows[0] ?? {}
  const to = kept === null ? (most ?? 0) - 1 : kept - 1
  if (first === null || to < first) return undefined
  const seal = await db.selectFrom('audit_seals').select('hash').where('position', '=', to).executeTakeFirst()
  return seal && { from: first, to, hash: seal.hash }
}

/** Up to where a pruning covers the chain; 0 where nothing was ever pruned. */
const findCovered = async (db: Database): Promise<number> => {
  const { to } = await db
    .selectFrom('audit_prunings')
    .select(eb => eb.fn.max('to_position').as('to'))
    .executeTakeFirstOrThrow()
  return Number(to ?? 0)
}

/** Takes away what the newest pruning has made needless: it says all that those before it said. */
const forgetFormer = async (db: Database, covered: number): Promise<void> => {
  await db.deleteFrom('audit_prunings').where('to_position', '<', covered).execute()
  await db
    .deleteFrom('audit_checkpoints')
    .where('kind', '=', 'beginning')
    .where('position', '<', covered)
    .execute()
}

const deleteCheckpoints = async (db: Database, to: number): Promise<void> => {
  const old = db
    .selectFrom('audit_checkpoints')
    .select('id')
    .where('kind', '=', 'checkpoint')
    .where('position', '<=', to)
  await db.deleteFrom('audit_deliveries').where('checkpoint_id', 'in', old).execute()
  await db
    .deleteFrom('audit_checkpoints')
    .where('kind', '=', 'checkpoint')
    .where('position', '<=', to)
    .execute()
}

/**
 * Deletes a part of what recorded prunings cover, the oldest first, each event with what is personal of it, and its
 * seal last: by that the triggers see that it is covered. What is younger than `before` stays, whatever a pruning says:
 * the server's role may record one, and the owner's, which deletes, would take its word for it.
 * @returns how many events
 */
export const deletePruned = async ({ db }: { readonly db: Database }, before: number): Promise<number> => {
  const covered = await findCovered(db)
  if (covered === 0) return 0
  const seals = await db
    .selectFrom('audit_seals as s')
    .leftJoin('audit_events as e', 'e.id', 's.event_id')
    .select(['s.position', 's.event_id', 'e.at'])
    .where('s.position', '<=', covered)
    .orderBy('s.position')
    .limit(pruneBatch)
    .execute()
  if (seals.length === 0) await forgetFormer(db, covered)
  const kept = seals.findIndex(({ at }) => at !== null && at >= before)
  const due = kept < 0 ? seals : seals.slice(0, kept)
  const last = due.at(-1)
  if (last === undefined) return 0
  const ids = due.map(({ event_id }) => event_id)
  await db.deleteFrom('audit_personal').where('event_id', 'in', ids).execute()
  await db.deleteFrom('audit_events').where('id', 'in', ids).execute()
  await deleteCheckpoints(db, last.position)
  await db.deleteFrom('audit_seals').where('position', '<=', last.position).execute()
  return due.length
}

/**
 * Records that the beginning of the chain may be deleted, up to the last event older than that: as a row that the
 * triggers go by, as an event, and as a signed checkpoint with which the chain begins from then on.
 * @returns the last position of it; undefined where nothing is so old
 */
export const recordPruning = async (
  dependencies: PruneDependencies,
  work: Work,
  { before, origin }: { readonly before: number; readonly origin: Origin },
): Promise<number | undefined> => {
  const prefix = await findPrefix(work.db, before)
  if (prefix === undefined) return undefined
  const { from, to, hash } = prefix
  const beginning = { kind: 'beginning', position: to, hash } as const
  const signed = await addCheckpoint(dependencies, work, beginning)
  if (signed !== undefined) await dependencies.anchors?.queue(work, signed.id)
  await work.db
    .insertInto('audit_prunings')
    .values({ from_position: from, to_position: to, hash, at: dependencies.clock.now() })
    .execute()
  const details = { from, to, hash }
  await recordEvent(dependencies, work, 'audit.pruned', { origin, details })
  return to
}

/** Whether the role of the connection may delete what a pruning covers: where another one owns the tables, it may not. */
export const mayPrune = async (db: Database): Promise<boolean> => {
  if (isSqlite(db)) return true
  const { rows } = await sql<{ may: boolean }>`
    select has_table_privilege(to_regclass('audit_events'), 'delete') as may`.execute(db)
  return rows[0]?.may ?? false
}

/** When the oldest event is due to be deleted for so long, in milliseconds; negative before that. */
export const readOverdue = async (db: Database, before: number): Promise<number> => {
  const first = await db
    .selectFrom('audit_seals as s')
    .innerJoin('audit_events as e', 'e.id', 's.event_id')
    .select('e.at')
    .orderBy('s.position')
    .limit(1)
    .executeTakeFirst()
  return first === undefined ? Number.NEGATIVE_INFINITY : before - first.at
}
