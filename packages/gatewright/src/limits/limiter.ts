import type { Clock } from '../ground/clock.ts'
import type { LimitOverride } from '../ground/parse-setting.ts'
import type { Random } from '../ground/random.ts'
import { type CountedRow, toCountedRows } from './counted-rows.ts'
import type { LimitKeys } from './counter-keys.ts'
import { createExactRows, type ExactRows, type SharedCounting } from './exact-rows.ts'
import { toMicroseconds } from './gcra.ts'
import { createKnownCounters } from './known-counters.ts'
import { type LimitReport, nothingToSay } from './limit-report.ts'
import { createMemoryCounters, createSlotPicker } from './memory-counters.ts'
import { createMemoryRows, type MemoryRows, type Tally } from './memory-rows.ts'
import { createOwnLimits, type RouteLimit } from './own-limit.ts'
import { type LimitName, type LimitRow, limits } from './table.ts'

/** Where requests are counted: a promise only where the count is kept outside this process. */
export type Limiter = {
  /** Checks every row of the limit whose key is given and, only if all allow, charges all. */
  readonly take: (name: string, keys: LimitKeys) => LimitReport | Promise<LimitReport>
  /** Where the caller stands, as far as this process knows; charges nothing, and asks nobody outside. */
  readonly look: (name: string, keys: LimitKeys) => LimitReport
  /** Takes one charge of each row back: what was counted before it was judged turned out to be right. */
  readonly giveBack: (name: string, keys: LimitKeys) => void | Promise<void>
  /**
   * Takes note of what a route says; one of its own is counted from then on.
   * @throws Error for a name that there is not, and for a limit that can't be counted
   */
  readonly declare: (limit: RouteLimit) => void
  /** The public names of all rows. */
  readonly policies: () => readonly string[]
}

/** See {@link createMemoryLimiter}. */
export type MemoryLimiter = Omit<Limiter, 'take' | 'giveBack'> & {
  readonly take: (name: string, keys: LimitKeys) => LimitReport
  readonly giveBack: (name: string, keys: LimitKeys) => void
  /** Keys that have a counter of their own at the moment, of all rows. */
  readonly size: () => number
}

/** See {@link createMemoryLimiter}. */
export type LimiterOptions = {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: Random
  /** Multiplies every count; the result is rounded and at least 1. */
  readonly scale?: number
  readonly overrides?: readonly LimitOverride[]
  /** `false` counts nothing and allows everything. */
  readonly enabled?: boolean
  /** Keys that one row holds at most. */
  readonly capacity?: number
  /** Hears of what fast rows count. */
  readonly tally?: Tally
}

const checkOptions = ({ scale, capacity }: { readonly scale: number; readonly capacity: number }): void => {
  if (!(scale > 0 && Number.isFinite(scale))) throw new TypeError('scale must be a number above 0')
  if (!(Number.isSafeInteger(capacity) && capacity > 0))
    throw new TypeError('capacity must be a whole number')
}

const limitNames = Object.keys(limits) as LimitName[]

/** What is made of the rows of each limit, those of the table and those that routes declare. */
const createLimits = <T>(
  toRows: (name: string, rows: readonly LimitRow[]) => readonly CountedRow[],
  make: (rows: readonly CountedRow[]) => T,
) => {
  const made = new Map<string, T>()
  const policies: string[] = []
  const add = (name: string, tabled: readonly LimitRow[]): void => {
    const rows = toRows(name, tabled)
    made.set(name, make(rows))
    policies.push(...rows.filter(({ isNetwork }) => !isNetwork).map(({ policy }) => policy))
  }
  for (const name of limitNames) add(name, limits[name])
  return {
    all: () => [...made.values()],
    get: (name: string): T => {
      const found = made.get(name)
      if (found === undefined) throw new TypeError(`there is no limit ${name}`)
      return found
    },
    declare: createOwnLimits(({ name, rows }) => add(name, rows)),
    policies: (): readonly string[] => policies,
  }
}

/** What both limiters are made of: counters in memory, and a time that never goes back. */
const prepare = ({ clock, random, ...options }: LimiterOptions) => {
  const { scale = 1, overrides = [], enabled = true, capacity = 100_000 } = options
  checkOptions({ scale, capacity })
  const pickSlot = createSlotPicker(random)
  const newCounters = () => createMemoryCounters(capacity, pickSlot)
  let latest = Number.NEGATIVE_INFINITY
  return {
    enabled,
    now: (): number => {
      latest = Math.max(latest, toMicroseconds(clock.monotonic()))
      return latest
    },
    inMemory: (rows: readonly CountedRow[], tally?: Tally) => createMemoryRows(rows, newCounters, tally),
    ofEach: <T>(make: (rows: readonly CountedRow[]) => T) =>
      createLimits((name, rows) => toCountedRows(name, rows, { scale, overrides }), make),
  }
}

/**
 * The limits of `table.ts`, all of them counted in this process.
 *
 * A refused request costs nothing here: it neither delays its caller further nor charges another row of it.
 * A row whose key is not given does not count, so a limit none of whose keys is given allows.
 * Time is monotonic and never runs backwards here, whatever the clock does.
 *
 * Memory is bounded. A row holds at most `capacity` keys; each request sweeps a few whose time has
 * passed. When a row is full of living keys, a new one pushes none of them out (whoever has many
 * addresses could flush the counter that stops him) but shares one of 1,024 further counters, picked
 * by a keyed hash that nobody outside can aim with. A key that later finds room starts from what its
 * shared counter has used, so no key ever gets more than its limit. The price falls on newcomers: during
 * a flood of that size, and a window longer, they may be refused for what others did.
 *
 * Throws a TypeError for options out of range and for an `address+username` not made by
 * {@link addressAndUsername}.
 *
 *     const limiter = createMemoryLimiter({ clock: systemClock, random: systemRandom })
 *     const report = limiter.take('read', { anonymous: '192.0.2.7' })
 *     if (!report.allowed) throw new Refusal('rate_limited', { retryAfter: report.retryAfter })
 */
export const createMemoryLimiter = (options: LimiterOptions): MemoryLimiter => {
  const { now, inMemory, ofEach, enabled } = prepare(options)
  const limitsOf = ofEach(rows => inMemory(rows, options.tally))
  const judge = (name: string, keys: LimitKeys, charges: boolean): LimitReport => {
    const rows = limitsOf.get(name)
    return enabled ? rows.take(keys, now(), charges) : nothingToSay
  }
  return {
    take: (name, keys) => judge(name, keys, true),
    look: (name, keys) => judge(name, keys, false),
    giveBack: (name, keys) => {
      if (enabled) limitsOf.get(name).giveBack(keys, now())
    },
    declare: limitsOf.declare,
    policies: limitsOf.policies,
    size: () => limitsOf.all().reduce((sum, rows) => sum + rows.size(), 0),
  }
}

type Rows = { readonly fast: MemoryRows; readonly exact: ExactRows | undefined }

const isOf = (isExact: boolean) => (row: CountedRow) => row.isExact === isExact

const toAwayRow = (row: CountedRow): CountedRow => ({ ...row, ...row.away })

const join = (first: LimitReport, second: LimitReport): LimitReport => ({
  ...second,
  rows: [...first.rows, ...second.rows],
})

/**
 * The limits of `table.ts`: fast rows counted as in {@link createMemoryLimiter}, exact ones in a store that
 * all processes share.
 *
 * While that store is away, an exact row lets `away` requests of a key through in this process and then
 * answers that the store is away (`isStoreAway`), which is no refusal of the caller. That a counter refuses is
 * believed for a second, so that whoever floods a limit floods no store.
 */
export const createLimiter = (options: LimiterOptions, counting: SharedCounting): Limiter => {
  const { now, inMemory, ofEach, enabled } = prepare(options)
  const shared = { ...counting, known: createKnownCounters() }
  const toExact = (rows: readonly CountedRow[]): ExactRows | undefined => {
    if (rows.length === 0) return undefined
    const away = inMemory(rows.map(toAwayRow))
    return createExactRows(shared, rows, {
      take: keys => away.take(keys, now(), true),
      giveBack: keys => away.giveBack(keys, now()),
    })
  }
  const limitsOf = ofEach(
    (rows): Rows => ({
      fast: inMemory(rows.filter(isOf(false)), options.tally),
      exact: toExact(rows.filter(isOf(true))),
    }),
  )

  /** Fast rows first: what they charged is given back where an exact one refuses. */
  const takeBoth = async ({ fast }: Rows, exact: ExactRows, keys: LimitKeys): Promise<LimitReport> => {
    const first = fast.take(keys, now(), true)
    if (!first.allowed) return first
    const second = await exact.take(keys)
    if (!second.allowed) fast.giveBack(keys, now())
    return join(first, second)
  }
  const take = (rows: Rows, keys: LimitKeys): LimitReport | Promise<LimitReport> => {
    if (rows.exact === undefined) return rows.fast.take(keys, now(), true)
    return rows.fast.isEmpty ? rows.exact.take(keys) : takeBoth(rows, rows.exact, keys)
  }
  const look = ({ fast, exact }: Rows, keys: LimitKeys): LimitReport => {
    const first = fast.take(keys, now(), false)
    if (exact === undefined) return first
    const second = exact.look(keys)
    return {
      ...join(first, second),
      allowed: first.allowed && second.allowed,
      retryAfter: Math.max(first.retryAfter, second.retryAfter),
    }
  }

  return {
    take: (name, keys) => {
      const rows = limitsOf.get(name)
      return enabled ? take(rows, keys) : nothingToSay
    },
    look: (name, keys) => {
      const rows = limitsOf.get(name)
      return enabled ? look(rows, keys) : nothingToSay
    },
    giveBack: (name, keys) => {
      const { fast, exact } = limitsOf.get(name)
      if (!enabled) return
      fast.giveBack(keys, now())
      return exact?.giveBack(keys)
    },
    declare: limitsOf.declare,
    policies: limitsOf.policies,
  }
}
