import type { CountedRow } from './counted-rows.ts'
import { type LimitKeys, toCounterKey } from './counter-keys.ts'
import { charge, isAllowed, refund } from './gcra.ts'
import { type Asked, type LimitReport, toAllowance, toRefusedReport } from './limit-report.ts'
import type { Counter, MemoryCounters } from './memory-counters.ts'

/** Hears of every charge, to add it up with those of other processes. */
export type Tally = {
  readonly note: (row: CountedRow, counter: Counter, now: number, count: 1 | -1) => void
  /** How much less than what all have counted a process goes by, in microseconds. */
  readonly slack: number
}

/** The rows of one limit that are counted in this process. Times are microseconds of its own clock. */
export type MemoryRows = {
  /** Checks every row whose key is given and, only if all allow and `charges`, charges all. */
  readonly take: (keys: LimitKeys, now: number, charges: boolean) => LimitReport
  readonly giveBack: (keys: LimitKeys, now: number) => void
  readonly size: () => number
  /** There is nothing to count. */
  readonly isEmpty: boolean
}

type MemoryRow = { readonly row: CountedRow; readonly counters: MemoryCounters }

type Found = MemoryRow & { readonly key: string; counter: Counter | undefined; tat: number }

export const createMemoryRows = (
  rows: readonly CountedRow[],
  newCounters: () => MemoryCounters,
  tally?: Tally,
): MemoryRows => {
  const counted = rows.map((row): MemoryRow => ({ row, counters: newCounters() }))
  const slack = tally?.slack ?? 0
  const tatOf = (counter: Counter | undefined): number =>
    counter === undefined ? 0 : Math.max(counter.tat, counter.shared - slack)

  const find = (keys: LimitKeys, now: number): readonly Found[] => {
    const found: Found[] = []
    for (const { row, counters } of counted) {
      const text = keys[row.by]
      const key = text === undefined ? undefined : toCounterKey(row.by, row.isNetwork, text)
      if (key === undefined) continue
      counters.sweep(now)
      const counter = counters.find(key, now)
      found.push({ row, counters, key, counter, tat: tatOf(counter) })
    }
    return found
  }

  const chargeOne = (found: Found, now: number): void => {
    const { row, counters, key } = found
    const counter = counters.hold(key, now)
    counter.tat = charge(counter.tat, now, row.pace)
    tally?.note(row, counter, now, 1)
    found.tat = tatOf(counter)
  }

  return {
    take: (keys, now, charges) => {
      const found = find(keys, now)
      for (const { tat, row } of found) if (!isAllowed(tat, now, row.pace)) return toRefusedReport(found, now)
      if (charges) for (const one of found) chargeOne(one, now)
      return toAllowance(found satisfies readonly Asked[], now)
    },
    giveBack: (keys, now) => {
      for (const { row, counter } of find(keys, now)) {
        if (counter === undefined) continue
        counter.tat = refund(counter.tat, now, row.pace)
        tally?.note(row, counter, now, -1)
      }
    },
    isEmpty: rows.length === 0,
    size: () => counted.reduce((sum, { counters }) => sum + counters.size(), 0),
  }
}
