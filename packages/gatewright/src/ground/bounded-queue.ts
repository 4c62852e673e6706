import { Refusal } from './refusal.ts'

/** Who asks for a place, where places are shared out. */
export type QueueCaller = {
  /** Places are counted by it: an address group, a user. */
  readonly name: string
  /** Strangers leave the kept places to callers who have shown who they are. */
  readonly isStranger: boolean
  /** Aborted when nobody waits for the answer any more: the waiting place is given up at once. */
  readonly gone: AbortSignal
}

/** See {@link createBoundedQueue}. */
export type BoundedQueue = {
  /** Runs the job when there is a place; its error is the caller's alone. Refuses when full. */
  readonly run: <T>(job: () => Promise<T>, caller?: QueueCaller) => Promise<T>
  /** Jobs begun so far. */
  readonly count: () => number
  /** Callers in the queue. */
  readonly waiting: () => number
}

/** See {@link createBoundedQueue}. */
export type QueueBounds = {
  readonly atOnce: number
  readonly maxWaiting: number
  readonly reason: string
  /** Places, running and waiting, that one caller may have. Without a word: all. */
  readonly mostOfOne?: number
  /** Waiting places that strangers don't get; without a word, none. */
  readonly kept?: number
}

/** A job that waits. */
type Waiter = { readonly isStranger: boolean; readonly enter: () => void }

const checkBounds = ({ atOnce, maxWaiting, mostOfOne = 1, kept = 0 }: QueueBounds): void => {
  if (!(Number.isSafeInteger(atOnce) && atOnce >= 1)) throw new TypeError('atOnce must be 1 or more')
  if (!(Number.isSafeInteger(maxWaiting) && maxWaiting >= 0))
    throw new TypeError('maxWaiting must be 0 or more')
  if (!(Number.isSafeInteger(mostOfOne) && mostOfOne >= 1)) throw new TypeError('mostOfOne must be 1 or more')
  if (!(Number.isSafeInteger(kept) && kept >= 0 && kept <= maxWaiting))
    throw new TypeError('kept must be 0 to maxWaiting')
}

/**
 * A queue with both ends bounded: so many jobs run at once, so many callers wait, in their order; one more
 * is refused with `unavailable` and this reason, before any work. Where a caller is named, `mostOfOne` keeps
 * one from filling it for all (`rate_limited`, reason `places_taken`), and `kept` many strangers.
 *
 *     const queue = createBoundedQueue({ atOnce: 2, maxWaiting: 64, reason: 'search_queue_full' })
 *     const posts = await queue.run(() => search('hello'))
 */
export const createBoundedQueue = (bounds: QueueBounds): BoundedQueue => {
  checkBounds(bounds)
  const { atOnce, maxWaiting, reason, mostOfOne = Number.POSITIVE_INFINITY, kept = 0 } = bounds
  const waiting = new Set<Waiter>()
  const placesOf = new Map<string, number>()
  let running = 0
  let begun = 0

  const takePlace = (name: string): void => {
    const places = placesOf.get(name) ?? 0
    if (places >= mostOfOne) throw new Refusal('rate_limited', { reason: 'places_taken', retryAfter: 1 })
    placesOf.set(name, places + 1)
  }

  const givePlaceBack = (name: string): void => {
    const places = placesOf.get(name) ?? 0
    if (places > 1) placesOf.set(name, places - 1)
    else placesOf.delete(name)
  }

  const isFullFor = (isStranger: boolean): boolean => {
    const strangers = [...waiting].filter(waiter => waiter.isStranger).length
    return waiting.size >= maxWaiting || (isStranger && strangers >= maxWaiting - kept)
  }

  // Whoever goes leaves the queue: nobody behind waits for a job that is for nobody.
  const wait = ({ isStranger = false, gone }: Partial<QueueCaller>): Promise<void> =>
    new Promise((resolve, reject) => {
      const goAway = () => {
        waiting.delete(waiter)
        reject(new Refusal('unavailable', { reason: 'caller_gone', retryAfter: 1 }))
      }
      const waiter = { isStranger, enter: resolve }
      waiting.add(waiter)
      if (gone?.aborted) goAway()
      gone?.addEventListener('abort', goAway, { once: true })
    })

  const enter = (caller: Partial<QueueCaller>): Promise<void> | undefined => {
    if (running >= atOnce) {
      if (isFullFor(caller.isStranger ?? false)) throw new Refusal('unavailable', { reason, retryAfter: 1 })
      return wait(caller)
    }
    running += 1
    return undefined
  }

  // A place that becomes free is handed to the first in the queue, so nobody who comes in between
  // can take it: the order holds and `running` never exceeds `atOnce`.
  const leave = (): void => {
    const [next] = waiting
    if (next === undefined) {
      running -= 1
      return
    }
    waiting.delete(next)
    next.enter()
  }

  const runInTurn = async <T>(job: () => Promise<T>, caller: Partial<QueueCaller>): Promise<T> => {
    const turn = enter(caller)
    if (turn !== undefined) await turn
    begun += 1
    try {
      return await job()
    } finally {
      leave()
    }
  }

  return {
    run: async (job, caller) => {
      if (caller === undefined) return runInTurn(job, {})
      takePlace(caller.name)
      try {
        return await runInTurn(job, caller)
      } finally {
        givePlaceBack(caller.name)
      }
    },
    count: () => begun,
    waiting: () => waiting.size,
  }
}
