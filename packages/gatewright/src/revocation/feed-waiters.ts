export type Waiting = {
  /** Places are counted by it: an address group. */
  readonly name: string
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal
  /** Milliseconds. */
  readonly longest: number
}

/** Who waits for something new in the feed. */
export type FeedWaiters = {
  /** Resolves with the next cut-off, or after `longest`; at once where there is no place, or nobody waits any more. */
  readonly wait: (waiting: Waiting) => Promise<void>
  readonly wake: () => void
  /** Wakes all, and from now on nobody waits. */
  readonly stop: () => void
  readonly count: () => number
}

type WaiterBounds = { readonly most: number; readonly mostOfOne: number }

/** A waiting one holds a connection and some 20 kB; a machine behind one address runs a few dozen services. */
const usualBounds: WaiterBounds = { most: 1_000, mostOfOne: 100 }

/** Bounded in all and for each name, so that nobody's waiting takes the room of others. */
export const createFeedWaiters = ({ most, mostOfOne }: WaiterBounds = usualBounds): FeedWaiters => {
  const waiting = new Set<() => void>()
  const countOf = new Map<string, number>()
  let stopped = false

  const hasRoom = (name: string): boolean =>
    !stopped && waiting.size < most && (countOf.get(name) ?? 0) < mostOfOne

  const leave = (name: string): void => {
    const left = (countOf.get(name) ?? 0) - 1
    if (left > 0) countOf.set(name, left)
    else countOf.delete(name)
  }
  const wake = (): void => {
    for (const end of waiting) end()
  }
  return {
    wait: async ({ name, gone, longest }) => {
      if (!hasRoom(name) || gone.aborted) return
      countOf.set(name, (countOf.get(name) ?? 0) + 1)
      await new Promise<void>(resolve => {
        const end = (): void => {
          clearTimeout(timer)
          gone.removeEventListener('abort', end)
          if (waiting.delete(end)) leave(name)
          resolve()
        }
        const timer = setTimeout(end, longest).unref()
        gone.addEventListener('abort', end)
        waiting.add(end)
      })
    },
    wake,
    stop: () => {
      stopped = true
      wake()
    },
    count: () => waiting.size,
  }
}
