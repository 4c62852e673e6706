import { type EraseReason, eraseOfUser, mayErase } from '../audit/erase-events.ts'
import { isIndexedEvent } from '../audit/indexed-events.ts'
import type { Origin } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'

/** What was erased, and where else it may stand. */
export type ErasureReport = {
  readonly erased: number
  /** When the first of these events was; undefined where there was none. */
  readonly since: number | undefined
  /** Exports with personal fields that were taken since then. */
  readonly exports: readonly { readonly id: number; readonly at: number; readonly actor: string | null }[]
}

type Dependencies = { readonly db: Database; readonly clock: Clock }

const findExports = async (db: Database, since: number): Promise<ErasureReport['exports']> => {
  const rows = await db
    .selectFrom('audit_events')
    .select(['id', 'at', 'actor', 'details'])
    .where('event', '=', 'audit.exported')
    .where(isIndexedEvent)
    .where('at', '>=', since)
    .orderBy('at')
    .execute()
  return rows
    .filter(({ details }) => JSON.parse(details).personal === true)
    .map(({ id, at, actor }) => ({ id, at, actor }))
}

const refuseRole = (): Refusal =>
  new Refusal('insufficient_permission', {
    detail:
      'The role of DATABASE_URL may not erase: write DATABASE_ADMIN_URL, the address as the role that owns the tables.',
  })

/**
 * Erases what the audit log has of a person: addresses, and what was written about that person. Events stay, with
 * their place on the chain. In transactions of its own, so that it may be broken off, and gone on with.
 * @throws Refusal `insufficient_permission` for a role that may not erase
 */
export const eraseAudit = async (
  { db, clock }: Dependencies,
  {
    userId,
    reason,
    origin,
  }: { readonly userId: string; readonly reason: EraseReason; readonly origin: Origin },
): Promise<ErasureReport> => {
  if (!(await mayErase(db))) throw refuseRole()
  let [erased, since] = [0, undefined as number | undefined]
  for (;;) {
    const found = await inTransaction(db, work => eraseOfUser({ clock }, work, { userId, reason, origin }))
    if (found.length === 0) break
    erased += found.length
    since = Math.min(...found.map(({ at }) => at), since ?? Number.POSITIVE_INFINITY)
  }
  return { erased, since, exports: since === undefined ? [] : await findExports(db, since) }
}

/** Users who were deleted, and of whom the audit log still has something personal. */
export const listUnerased = async (db: Database): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('users')
    .select('id')
    .where('deleted_at', 'is not', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('audit_events')
          .innerJoin('audit_personal', 'audit_personal.event_id', 'audit_events.id')
          .select('audit_events.id')
          .whereRef('audit_events.user_id', '=', 'users.id')
          .where(({ or, eb }) =>
            or([
              eb('actor', 'is', null),
              eb('actor', '=', eb.ref('users.id')),
              eb('audit_personal.details', '<>', '{}'),
            ]),
          ),
      ),
    )
    .execute()
  return rows.map(({ id }) => id)
}
