import { type AuditEntry, recordEvent } from '../audit/record.ts'
import { type Clock, mostApart } from '../ground/clock.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { Processes } from '../processes/processes.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { eventOf, type PatternName, patternOf } from './patterns.ts'
import { queueDigest } from './queue-digest.ts'

export type RaiseDependencies = MailDependencies & {
  readonly db: Database
  readonly processes: Pick<Processes, 'secretInForce'>
}

/** One compare-and-set: of all who have seen it at once, in whatever process, one raises it. */
const claim = async (
  { clock }: { readonly clock: Clock },
  { db }: Work,
  pattern: PatternName,
  subject: string,
): Promise<boolean> => {
  const now = clock.now()
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('unusual')
    .values({ subject, pattern, raised_at: now, former_at: null })
    .onConflict(conflict =>
      conflict
        .columns(['subject', 'pattern'])
        .doUpdateSet(eb => ({ raised_at: now, former_at: eb.ref('unusual.raised_at') }))
        .where(eb =>
          eb.or([
            eb('unusual.raised_at', '<=', now - patternOf(pattern).window),
            // By a clock that was ahead, and was set right: nothing else would be raised until then.
            eb('unusual.raised_at', '>', now + mostApart),
          ]),
        ),
    )
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** What was seen, of whom or what, and where it comes from. */
export type Seen = Pick<AuditEntry, 'origin' | 'userId' | 'sessionId'> & {
  readonly pattern: PatternName
  /** A user's id, or a keyed hash: never a password, nor a name as it was typed. */
  readonly subject: string
  /** How many there were. */
  readonly count?: number
}

/**
 * Raises what was seen, but what was raised for the same subject within its window: the audit events, and a word to
 * the administrators where a pattern says so. In the transaction of what was seen; in the order of the table, so that
 * nobody waits for each other.
 * @returns what was raised now: of that its owner is told, where the pattern says so
 */
export const raise = async (
  dependencies: RaiseDependencies,
  work: Work,
  seen: readonly Seen[],
): Promise<readonly PatternName[]> => {
  const raised: PatternName[] = []
  for (const { pattern, subject, count, ...entry } of seen) {
    if (!(await claim(dependencies, work, pattern, subject))) continue
    const details = count === undefined ? {} : { count }
    await recordEvent(dependencies, work, eventOf(pattern), { ...entry, details })
    raised.push(pattern)
  }
  if (raised.some(name => patternOf(name).tells.administrators)) await queueDigest(dependencies, work)
  return raised
}
