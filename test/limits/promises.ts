import { second } from 'gatewright/clock'
import { type LimitName, type LimitRow, limits } from '../../packages/gatewright/src/limits/table.ts'

/** Whom a request counts, by row: the keys as the promise has them, grouped by hand. */
export type Whom = Readonly<Record<string, { readonly group: string; readonly network?: string }>>

/** How full a counter is, draining by the millisecond. One request is worth `window`; it drains `count` a millisecond. */
type Bucket = { level: number; at: number }

type Size = { readonly count: number; readonly window: number; readonly burst: number }

const sizeOf = ({ count, window, burst = count }: LimitRow, factor = 1): Size => ({
  count: count * factor,
  window,
  burst: burst * factor,
})

/** Counters told naively. */
const createBuckets = () => {
  const buckets = new Map<string, Bucket>()
  const levelOf = (id: string, { count }: Size, now: number): number => {
    const { level, at } = buckets.get(id) ?? { level: 0, at: now }
    return Math.max(0, level - (now - at) * count)
  }
  return {
    /** Requests that it would take at once. */
    free: (id: string, size: Size, now: number): number =>
      Math.floor((size.burst * size.window - levelOf(id, size, now)) / size.window),
    add: (id: string, size: Size, now: number, count: number): void => {
      if (count === 0) return
      const level = Math.max(0, levelOf(id, size, now) + count * size.window)
      buckets.set(id, { level, at: now })
    },
    clear: () => buckets.clear(),
    ids: () => [...buckets.keys()],
    remove: (id: string) => void buckets.delete(id),
  }
}

type Counter = { readonly id: string; readonly row: LimitRow; readonly factor: number }

const countersOf = (name: LimitName, whom: Whom): readonly Counter[] =>
  (limits[name] as readonly LimitRow[]).flatMap((row, index) => {
    const counted = whom[row.by]
    if (counted === undefined) return []
    const id = `${name} ${index}`
    const own = { id: `${id} ${counted.group}`, row, factor: 1 }
    return counted.network === undefined ? [own] : [own, { id: `${id} ${counted.network}`, row, factor: 10 }]
  })

/** What `count` equal requests at one moment got, of those nodes. */
export type Asked = {
  readonly name: LimitName
  readonly whom: Whom
  readonly now: number
  /** For each request: which node, and whether it was let through. */
  readonly answers: readonly {
    readonly node: number
    readonly allowed: boolean
    readonly isStoreAway: boolean
  }[]
}

/** In the long run, what a fast row may let through of what is not worth telling. */
const untold = 1 + 1 / 8
/** Seconds that sums may be late, and that a process does not go by. */
const late = 3
const slack = 3

/** Nobody is refused who is under the limit, and no more pass than the kind of the row promises. */
export const createPromises = (nodes: number) => {
  let exact = createBuckets()
  /** What was counted before the clock went wrong, while it is. */
  let before = exact
  /** Of all nodes, had one counted for all. */
  const together = createBuckets()
  const generous = createBuckets()
  const ofNode = createBuckets()
  const away = createBuckets()
  let isAway = false
  let excusedUntil = Number.NEGATIVE_INFINITY

  const leastFree = (counters: readonly Counter[], free: (counter: Counter) => number): number =>
    Math.min(...counters.map(free))

  const generousSize = ({ row, factor }: Counter): Size => {
    const { count, window, burst } = sizeOf(row, factor)
    const perSecond = (count / window) * second
    return {
      count: count * untold,
      window,
      burst: Math.ceil(nodes * burst + perSecond * (late * nodes + slack)),
    }
  }

  const judgeExact = ({ now, answers }: Asked, counters: readonly Counter[]): readonly string[] => {
    const passed = answers.filter(({ allowed }) => allowed).length
    const free = leastFree(counters, ({ id, row, factor }) => exact.free(id, sizeOf(row, factor), now))
    const expected = Math.max(0, Math.min(answers.length, free))
    for (const { id, row, factor } of counters) exact.add(id, sizeOf(row, factor), now, passed)
    if (passed === expected || (passed < expected && now < excusedUntil)) return []
    return [`${passed} of ${answers.length} passed where ${expected} should`]
  }

  const judgeAway = ({ now, answers }: Asked, counters: readonly Counter[]): readonly string[] =>
    answers.flatMap(({ node, allowed, isStoreAway }) => {
      const awaySize = ({ row, factor }: Counter): Size => {
        if (row.kind !== 'exact') throw new TypeError('only exact rows go to the store')
        return { count: row.away * factor, burst: row.away * factor, window: row.window }
      }
      const free = leastFree(counters, one => away.free(`${node} ${one.id}`, awaySize(one), now))
      if (allowed) for (const one of counters) away.add(`${node} ${one.id}`, awaySize(one), now, 1)
      if (allowed === free > 0) return []
      const isOver =
        leastFree(counters, ({ id, row, factor }) => exact.free(id, sizeOf(row, factor), now)) <= 0
      if (!allowed && !isStoreAway && isOver) return []
      return [`while the store was away: allowed ${allowed} where ${free} were left`]
    })

  const judgeFast = ({ now, answers }: Asked, counters: readonly Counter[]): readonly string[] =>
    answers.flatMap(({ node, allowed }) => {
      if (!allowed) {
        const free = leastFree(counters, ({ id, row, factor }) => together.free(id, sizeOf(row, factor), now))
        return free > 0 ? [`one was refused who had ${free} left`] : []
      }
      return counters.flatMap(one => {
        const size = sizeOf(one.row, one.factor)
        const lost = [
          ...(ofNode.free(`${node} ${one.id}`, size, now) > 0
            ? []
            : ['a process let more through than its limit']),
          ...(isAway || generous.free(one.id, generousSize(one), now) > 0
            ? []
            : ['all processes together let more through than is promised']),
        ]
        together.add(one.id, size, now, 1)
        ofNode.add(`${node} ${one.id}`, size, now, 1)
        generous.add(one.id, generousSize(one), now, 1)
        return lost
      })
    })

  return {
    /** @returns each promise that was broken, in words */
    judge: (asked: Asked): readonly string[] => {
      const counters = countersOf(asked.name, asked.whom)
      const isExact = counters.some(({ row }) => row.kind === 'exact')
      const lost = (isExact ? (isAway ? judgeAway : judgeExact) : judgeFast)(asked, counters)
      return lost.map(what => `${asked.name} of ${JSON.stringify(asked.whom)} at ${asked.now}: ${what}`)
    },
    gaveBack: (name: LimitName, whom: Whom, now: number): void => {
      for (const { id, row, factor } of countersOf(name, whom)) exact.add(id, sizeOf(row, factor), now, -1)
      // So long another process may believe that it refuses.
      excusedUntil = now + second
    },
    /** By more than any window: all that was counted together is past. */
    clockWentAhead: (): void => {
      before = exact
      exact = createBuckets()
      generous.clear()
    },
    /** What was counted meanwhile counts no more; all else is as it was. */
    clockWasSetRight: (now: number): void => {
      for (const id of exact.ids()) before.remove(id)
      exact = before
      generous.clear()
      // So long one of them may be believed that was told before.
      excusedUntil = now + second
    },
    storeWentAway: (): void => {
      isAway = true
    },
    /** It has forgotten all. */
    storeCameBack: (): void => {
      isAway = false
      exact.clear()
      generous.clear()
    },
  }
}
