import { type Clock, timeAsSet } from '../ground/clock.ts'
import type { CountedRow } from './counted-rows.ts'
import { type LimitKeys, toCounterKey } from './counter-keys.ts'
import type { Charge, CounterStore } from './counter-store.ts'
import { believed, isAllowed, toMicroseconds } from './gcra.ts'
import { isBelieved, type KnownCounters } from './known-counters.ts'
import { type Asked, type LimitReport, nothingToSay, toAllowance, toRefusedReport } from './limit-report.ts'
import { StoreAway } from './store-away.ts'

/** What counting outside this process asks for. */
export type SharedCounting = {
  readonly store: CounterStore
  /** The same for all processes. */
  readonly clock: Pick<Clock, 'now' | 'behind'>
  /** Names a counter in the store without telling whom it counts. */
  readonly hashKey: (text: string) => string
}

/** The rows of one limit that all processes count together. */
export type ExactRows = {
  readonly take: (keys: LimitKeys) => LimitReport | Promise<LimitReport>
  readonly look: (keys: LimitKeys) => LimitReport
  readonly giveBack: (keys: LimitKeys) => Promise<void>
}

type RowCharge = Charge & { readonly row: CountedRow }

/** Seconds, after which the store may be back. */
const storeRetry = 5

/** What the caller did not cause is no "too many requests". */
const toAwayReport = (report: LimitReport): LimitReport =>
  report.allowed
    ? report
    : {
        allowed: false,
        isExact: true,
        retryAfter: Math.min(storeRetry, report.retryAfter),
        isStoreAway: true,
        rows: [],
      }

const toRefusal: typeof toRefusedReport = (asked, at) => ({ ...toRefusedReport(asked, at), isExact: true })

const toAsked = (charges: readonly RowCharge[], tats: readonly number[]): readonly Asked[] =>
  charges.map(({ row }, place) => ({ row, tat: tats[place] ?? 0 }))

/** What this process lets through by its own memory while the store is away. */
type Away = {
  readonly take: (keys: LimitKeys) => LimitReport
  readonly giveBack: (keys: LimitKeys) => void
}

export const createExactRows = (
  { store, clock, hashKey, known }: SharedCounting & { readonly known: KnownCounters },
  rows: readonly CountedRow[],
  away: Away,
): ExactRows => {
  const now = (): number => toMicroseconds(timeAsSet(clock))

  const toCharges = (keys: LimitKeys): readonly RowCharge[] =>
    rows.flatMap(row => {
      const text = keys[row.by]
      const key = text === undefined ? undefined : toCounterKey(row.by, row.isNetwork, text)
      return key === undefined ? [] : [{ row, key: hashKey(`${row.policy} ${key}`), ...row.pace }]
    })

  const refusesStill = ({ key, row }: RowCharge, at: number): boolean => {
    const told = known.find(key)
    return told !== undefined && isBelieved(told, at) && !isAllowed(told.tat, at, row.pace)
  }
  const lookAt = (charges: readonly RowCharge[], at: number): readonly Asked[] =>
    charges.map(({ key, row }) => ({ row, tat: believed(known.find(key)?.tat ?? 0, at, row.pace) }))

  const ask = async (charges: readonly RowCharge[], at: number, keys: LimitKeys): Promise<LimitReport> => {
    try {
      const { allowed, tats } = await store.take(charges, at)
      for (const [place, { key }] of charges.entries()) known.note(key, tats[place] ?? 0, at)
      return (allowed ? toAllowance : toRefusal)(toAsked(charges, tats), at)
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error
      return toAwayReport(away.take(keys))
    }
  }

  return {
    take: keys => {
      const charges = toCharges(keys)
      if (charges.length === 0) return nothingToSay
      const at = now()
      return charges.some(charge => refusesStill(charge, at))
        ? toRefusal(lookAt(charges, at), at)
        : ask(charges, at, keys)
    },
    look: keys => {
      const charges = toCharges(keys)
      const at = now()
      const asked = lookAt(charges, at)
      return asked.every(({ row, tat }) => isAllowed(tat, at, row.pace))
        ? toAllowance(asked, at)
        : toRefusedReport(asked, at)
    },
    giveBack: async keys => {
      const charges = toCharges(keys)
      for (const { key } of charges) known.forget(key)
      try {
        if (charges.length > 0) await store.giveBack(charges, now())
      } catch (error) {
        if (!(error instanceof StoreAway)) throw error
        away.giveBack(keys)
      }
    },
  }
}
