import { type Clock, minute } from '../ground/clock.ts'
import { checkKindsWritten } from '../processes/feed-kinds.ts'
import { isSqlite } from '../storage/columns.ts'
import type { CutOffRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import type { Revocations } from './revocations.ts'
import { notifyCutOffs } from './wake-by-listening.ts'

/**
 * The kinds of cut-off that this version knows. A cut-off never compares times: it names one thing, or
 * a user together with the version below which everything is ended. A re-read ends nothing: the
 * permissions of that user's tokens come from the database while it stays; what roles allow, and which
 * issuers are blocked, is read again by every process that meets one.
 */
export const cutOffKinds = [
  'session',
  'user',
  'signing-key',
  'reread-user',
  'api-key',
  'reread-roles',
  'reread-issuers',
] as const
export type CutOffKind = (typeof cutOffKinds)[number]

export type CutOff = {
  readonly kind: CutOffKind
  readonly subject: string
  readonly version?: number
  /** The latest `exp` promised to any token that this names, in milliseconds; 0 where there is none. */
  readonly promisedUntil: number
}

/** A cut-off outlives the last token that it names by this much. */
export const margin = minute

type NewCutOff = Omit<CutOffRow, 'place'>

/**
 * Puts cut-offs into the feed. Once the transaction is durable they hold in this process; the others read
 * them, for which the commit wakes them.
 */
export const insertCutOffs = async (
  { revocations }: { readonly revocations: Pick<Revocations, 'apply'> },
  work: Work,
  cutOffs: readonly NewCutOff[],
): Promise<void> => {
  const rows: CutOffRow[] = await work.db
    .insertInto('cut_offs')
    .values(cutOffs)
    .returningAll()
    // In the statement of the rows, so it is heard when they can be read, and costs no way of its own.
    .$if(!isSqlite(work.db), insert => insert.returning(notifyCutOffs.as('notified')))
    .execute()
  work.afterCommit(() => revocations.apply(rows))
}

/**
 * Writes cut-offs in the transaction of their event. Once that is durable, and before it is answered,
 * they hold in this process; the others read them from the feed, for which the commit wakes them.
 */
export const recordCutOffs = async (
  { clock, revocations }: { readonly clock: Clock; readonly revocations: Pick<Revocations, 'apply'> },
  work: Work,
  cutOffs: readonly CutOff[],
): Promise<void> => {
  if (cutOffs.length === 0) return
  await checkKindsWritten(
    work,
    cutOffs.map(({ kind }) => kind),
  )
  const now = clock.now()
  const rows = cutOffs.map(({ kind, subject, version = null, promisedUntil }) => ({
    kind,
    subject,
    version,
    matters_until: Math.max(now, promisedUntil) + margin,
    created_at: now,
  }))
  await insertCutOffs({ revocations }, work, rows)
}
