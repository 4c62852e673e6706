import { createHmac } from 'node:crypto'
import { addressGroup } from '../ground/address.ts'
import { type Clock, second } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import type { Random } from '../ground/random.ts'
import { gcra, refund, type Standing, standing, type Verdict } from './gcra.ts'
import { type LimitBy, type LimitName, type LimitRow, limits, policyName } from './table.ts'

/**
 * Who the caller is, as far as it is known. Addresses are given whole. `address+username` is made by
 * {@link addressAndUsername}.
 */
export type LimitKeys = { readonly [by in LimitBy]?: string | undefined }

/** What a limit says about one request. */
export type LimitReport = {
  readonly allowed: boolean
  /** Whole seconds, at least 1, after which the same request would be allowed; 0 when it is. */
  readonly retryAfter: number
  /** One for each row that counted, in the order of the table. */
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

/** Where requests are counted: a promise only where the count is kept outside this process. */
export type Limiter = {
  /** Checks every row of the limit whose key is given and, only if all allow, charges all. */
  readonly take: (name: LimitName, keys: LimitKeys) => LimitReport | Promise<LimitReport>
  /** Where the caller stands; charges nothing, and asks nobody outside this process. */
  readonly look: (name: LimitName, keys: LimitKeys) => LimitReport
  /** Takes one charge of each row back: what was counted before it was judged turned out to be right. */
  readonly giveBack: (name: LimitName, keys: LimitKeys) => void | Promise<void>
}

/** See {@link createLimiter}. */
export type MemoryLimiter = Omit<Limiter, 'take' | 'giveBack'> & {
  readonly take: (name: LimitName, keys: LimitKeys) => LimitReport
  readonly giveBack: (name: LimitName, keys: LimitKeys) => void
  /** Keys that have a counter of their own at the moment, of all rows. */
  readonly size: () => number
}

/** See {@link createLimiter}. */
export type LimiterOptions = {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: Random
  /** Multiplies every count; the result is rounded and at least 1. */
  readonly scale?: number
  /** `false` counts nothing and allows everything. */
  readonly enabled?: boolean
  /** Keys that one row holds at most. */
  readonly capacity?: number
}

/**
 * The limits of `table.ts`, counted in this process.
 *
 * A refused request costs nothing: it neither delays its caller further nor charges another row.
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
 *     const limiter = createLimiter({ clock: systemClock, random: systemRandom })
 *     const report = limiter.take('read', { anonymous: '192.0.2.7' })
 *     if (!report.allowed) throw new Refusal('rate_limited', { retryAfter: report.retryAfter })
 */
export const createLimiter = (options: LimiterOptions): MemoryLimiter => {
  const { clock, random, scale = 1, enabled = true, capacity = 100_000 } = options
  if (!(scale > 0 && Number.isFinite(scale))) throw new TypeError('scale must be a number above 0')
  if (!(Number.isSafeInteger(capacity) && capacity > 0))
    throw new TypeError('capacity must be a whole number')
  const pickSlot = createSlotPicker(random)
  const toCounted = (name: LimitName, row: LimitRow): CountedRow => ({
    by: row.by,
    policy: policyName(name, row),
    count: Math.max(1, Math.round(row.count * scale)),
    window: row.window,
    counters: createCounters(capacity, pickSlot),
  })
  const rows = new Map(limitNames.map(name => [name, limits[name].map(row => toCounted(name, row))]))
  let latest = Number.NEGATIVE_INFINITY

  /** The rows of a limit that count for these keys, and the time; undefined where there is none. */
  const open = (name: LimitName, keys: LimitKeys): readonly CountedRow[] | undefined => {
    const counted = rows.get(name)
    if (counted === undefined) throw new TypeError(`there is no limit ${name}`)
    if (!enabled || !counted.some(({ by }) => keys[by] !== undefined)) return undefined
    latest = Math.max(latest, clock.monotonic())
    return counted
  }
  const judge = (name: LimitName, keys: LimitKeys, charges: boolean): LimitReport => {
    const counted = open(name, keys)
    return counted === undefined ? nothingToSay : takeAll(counted, keys, latest, charges)
  }

  return {
    take: (name, keys) => judge(name, keys, true),
    look: (name, keys) => judge(name, keys, false),
    giveBack: (name, keys) => {
      for (const row of open(name, keys) ?? []) giveRowBack(row, keys[row.by], latest)
    },
    size: () => [...rows.values()].flat().reduce((sum, row) => sum + row.counters.size(), 0),
  }
}

/** The key of a row by address and username. The username comes in the one spelling that look-ups use. */
export const addressAndUsername = (address: string, username: string): string => `${address} ${username}`

type CountedRow = {
  readonly by: LimitBy
  readonly policy: string
  readonly count: number
  readonly window: number
  readonly counters: Counters
}

const limitNames = Object.keys(limits) as LimitName[]

type Asked = {
  readonly row: CountedRow
  readonly key: string
  readonly tat: number | undefined
  readonly verdict: Verdict
}

/** What a limit says that counts by nothing that is known. */
const nothingToSay: LimitReport = Object.freeze({ allowed: true, retryAfter: 0, rows: Object.freeze([]) })

const giveRowBack = (row: CountedRow, text: string | undefined, now: number): void => {
  if (text === undefined) return
  const key = toCounterKey(row.by, text)
  const tat = row.counters.find(key, now)
  if (tat !== undefined) row.counters.put(key, refund(tat, now, row))
}

const takeAll = (
  rows: readonly CountedRow[],
  keys: LimitKeys,
  now: number,
  charges: boolean,
): LimitReport => {
  const asked: Asked[] = []
  let allowed = true
  for (const row of rows) {
    const text = keys[row.by]
    if (text === undefined) continue
    row.counters.sweep(now)
    const key = toCounterKey(row.by, text)
    const tat = row.counters.find(key, now)
    const verdict = gcra(tat, now, row)
    allowed &&= verdict.allowed
    asked.push({ row, key, tat, verdict })
  }
  if (allowed && charges) for (const { row, key, verdict } of asked) row.counters.put(key, verdict.tat)
  let retryAfter = allowed ? 0 : 1
  const told: LimitReport['rows'][number][] = []
  for (const { row, tat, verdict } of asked) {
    if (!allowed) retryAfter = Math.max(retryAfter, toSeconds(verdict.retryAfter))
    told.push(toRow(row, allowed && charges ? verdict : standing(tat, now, row)))
  }
  return { allowed, retryAfter, rows: told }
}

const toSeconds = (milliseconds: number): number => Math.ceil(milliseconds / second)

const toRow = (row: CountedRow, { remaining, nextAfter }: Standing): LimitReport['rows'][number] => ({
  policy: row.policy,
  quota: row.count,
  window: toSeconds(row.window),
  remaining,
  reset: toSeconds(nextAfter),
})

/** How each kind of key is counted. Addresses are grouped here, so that no caller can forget it. */
const counterKeys = {
  address: addressGroup,
  anonymous: addressGroup,
  user: text => text,
  session: text => text,
  device: text => text,
  'address+username': text => {
    const space = text.indexOf(' ')
    if (space === -1) throw new TypeError('address+username must come from addressAndUsername')
    return addressGroup(text.slice(0, space)) + text.slice(space)
  },
} as const satisfies Record<LimitBy, (text: string) => string>

const longestKey = 64

/** A username in a request may be as long as the body: what is kept of a key is bounded as well. */
const toCounterKey = (by: LimitBy, text: string): string => {
  const key = counterKeys[by](text)
  return key.length > longestKey ? sha256(key) : key
}

const sharedCounters = 1_024

const createSlotPicker = (random: Random): ((key: string) => number) => {
  const secret = random.bytes(32)
  return key => createHmac('sha256', secret).update(key).digest().readUInt16BE(0) % sharedCounters
}

type Counters = {
  readonly find: (key: string, now: number) => number | undefined
  readonly put: (key: string, tat: number) => void
  /** Forgets a few of the keys whose time has passed: they stand as if they had never come. */
  readonly sweep: (now: number) => void
  readonly size: () => number
}

const sweptAtOnce = 4

const createCounters = (capacity: number, pickSlot: (key: string) => number): Counters => {
  const own = new Map<string, number>()
  const shared = new Map<number, number>()
  let sharedUntil = Number.NEGATIVE_INFINITY
  let cursor = own.entries()

  return {
    find: (key, now) => own.get(key) ?? (sharedUntil > now ? shared.get(pickSlot(key)) : undefined),
    put: (key, tat) => {
      if (own.size < capacity || own.has(key)) own.set(key, tat)
      else {
        shared.set(pickSlot(key), tat)
        sharedUntil = Math.max(sharedUntil, tat)
      }
    },
    sweep: now => {
      for (let step = 0; step < sweptAtOnce; step += 1) {
        const next = cursor.next()
        if (next.done) cursor = own.entries()
        else if (next.value[1] <= now) own.delete(next.value[0])
      }
    },
    size: () => own.size,
  }
}
