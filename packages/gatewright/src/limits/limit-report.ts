import { second } from '../ground/clock.ts'
import type { CountedRow } from './counted-rows.ts'
import { isAllowed, standing, waitFor } from './gcra.ts'

/** What a limit says about one request. */
export type LimitReport = {
  readonly allowed: boolean
  /** Whole seconds, at least 1, after which the same request would be allowed; 0 when it is. */
  readonly retryAfter: number
  /** Refused by an exact row, or because it could not be counted: there it is worth while to ask again at once. */
  readonly isExact?: true
  /** Refused only because the store of exact counts is away: not by the caller's doing. */
  readonly isStoreAway?: true
  /**
   * One for each row that counted, in the order of the table. A network is told only where it refuses or has
   * less left than its group.
   */
  readonly rows: readonly {
    readonly policy: string
    /** The row's count, scaled. */
    readonly quota: number
    /** Seconds. */
    readonly window: number
    readonly remaining: number
    /** Whole seconds until `remaining` is one more; 0 when nothing is used. */
    readonly reset: number
  }[]
}

/** A row, and where the key that was asked for stands in it. */
export type Asked = { readonly row: CountedRow; readonly tat: number }

/** What a limit says that counts by nothing that is known. */
export const nothingToSay: LimitReport = Object.freeze({
  allowed: true,
  retryAfter: 0,
  rows: Object.freeze([]),
})

const toSeconds = (microseconds: number): number => Math.ceil(microseconds / (1_000 * second))

const toRow = ({ row, tat }: Asked, now: number): LimitReport['rows'][number] => {
  const { remaining, nextAfter } = standing(tat, now, row.pace)
  return {
    policy: row.policy,
    quota: row.count,
    window: row.window / second,
    remaining,
    reset: toSeconds(nextAfter),
  }
}

const toRows = (asked: readonly Asked[], now: number): LimitReport['rows'] => {
  const told: LimitReport['rows'][number][] = []
  for (const one of asked) {
    const row = toRow(one, now)
    const { remaining = Number.POSITIVE_INFINITY } = told.at(-1) ?? {}
    if (!one.row.isNetwork || row.remaining < remaining || !isAllowed(one.tat, now, one.row.pace))
      told.push(row)
  }
  return told
}

/** Of rows all of which were charged, as they stand after it. */
export const toAllowance = (asked: readonly Asked[], now: number): LimitReport =>
  asked.length === 0 ? nothingToSay : { allowed: true, retryAfter: 0, rows: toRows(asked, now) }

/** Of rows none of which was charged, because one of them refuses: the slowest of those is waited for. */
export const toRefusedReport = (asked: readonly Asked[], now: number): LimitReport => {
  let retryAfter = 1
  for (const { row, tat } of asked) retryAfter = Math.max(retryAfter, toSeconds(waitFor(tat, now, row.pace)))
  return { allowed: false, retryAfter, rows: toRows(asked, now) }
}
