import { type Clock, minute } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

/** So long without a beat, and its holder counts as dead. */
export const leaseTime = minute

/** The right to do a work that one process at a time does. */
export type Lease = {
  /**
   * Takes it where it is free, or where this process has seen no beat of its holder for `leaseTime`.
   * @param isWanted asked once it could be taken; whatever the former holder did by then is seen
   */
  readonly take: (isWanted: () => Promise<boolean>) => Promise<boolean>
  /**
   * To be called first in each transaction of the work: false where another process has it by now. While
   * that transaction is open nobody else can take it.
   */
  readonly hold: (work: Work) => Promise<boolean>
  readonly release: () => Promise<void>
}

type Dependencies = { readonly db: Database; readonly clock: Clock; readonly random: Random }

/**
 * A row of `leases`, as one process sees it. No clock stands in the row: a holder is dead when its count of
 * beats has stood still for `leaseTime` by the reader's own monotonic clock, so no clock that is set back or
 * forward takes the lease from a holder at work, or leaves it with a dead one.
 */
export const createLease = ({ db, clock, random }: Dependencies, name: string): Lease => {
  const me = newId(random)
  let seen = { beat: Number.NaN, since: 0 }

  const isDead = (beat: number): boolean => {
    if (seen.beat !== beat) seen = { beat, since: clock.monotonic() }
    return clock.monotonic() - seen.since >= leaseTime
  }
  const isFree = (holder: string | null, beat: number): boolean =>
    holder === null || holder === me || isDead(beat)

  return {
    take: async isWanted => {
      const row = await db.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst()
      if (row === undefined || !isFree(row.holder, row.beat) || !(await isWanted())) return false
      const { numUpdatedRows } = await db
        .updateTable('leases')
        .set({ holder: me, beat: row.beat + 1 })
        .where('name', '=', name)
        .where('beat', '=', row.beat)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    hold: async work => {
      const { numUpdatedRows } = await work.db
        .updateTable('leases')
        .set(eb => ({ beat: eb('beat', '+', 1) }))
        .where('name', '=', name)
        .where('holder', '=', me)
        .executeTakeFirst()
      return numUpdatedRows === 1n
    },
    release: async () => {
      await db
        .updateTable('leases')
        .set(eb => ({ holder: null, beat: eb('beat', '+', 1) }))
        .where('name', '=', name)
        .where('holder', '=', me)
        .execute()
    },
  }
}
