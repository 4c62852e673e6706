import { createFairLine } from './fair-line.ts'
import { Refusal } from './refusal.ts'

/** Who asks for a place, where places are shared out. */
export type QueueCaller = {
  /** Places and turns are shared out by it: an address group, a user. */
  readonly group: string
  /** Strangers leave the kept places, and every other turn, to callers who have shown who they are. */
  readonly isKnown: boolean
  /** Aborted when nobody waits for the answer any more: the waiting place is given up at once. */
  readonly gone?: AbortSignal | undefined
}

/** See {@link createBoundedQueue}. */
export type BoundedQueue = {
  /** Runs the job when there is a place; its error is the caller's alone. Refuses when full. */
  readonly run: <T>(job: () => Promise<T>, caller?: QueueCaller) => Promise<T>
  /** Refuses as `run` would now, and takes no place: for what comes before and costs something as well. */
  readonly check: (caller: QueueCaller) => void
  /** Jobs begun so far. */
  readonly count: () => number
  /** Callers in the queue. */
  readonly waiting: () => number
  /** Jobs at work. */
  readonly running: () => number
  /** Callers who found no place, or had to give theirs up, so far. */
  readonly refused: () => number
}

/** See {@link createBoundedQueue}. */
export type QueueBounds = {
  readonly atOnce: number
  readonly maxWaiting: number
  readonly reason: string
  /** Places, running and waiting, that one group may have. Without a word: all. */
  readonly mostOfOne?: number
  /** Waiting places that strangers don't get; without a word, none. */
  readonly kept?: number
}

/** Whoever says nothing of itself is one of ours. */
const ours: QueueCaller = { group: '', isKnown: true }

const checkBounds = ({ atOnce, maxWaiting, mostOfOne = 1, kept = 0 }: QueueBounds): void => {
  if (!(Number.isSafeInteger(atOnce) && atOnce >= 1)) throw new TypeError('atOnce must be 1 or more')
  if (!(Number.isSafeInteger(maxWaiting) && maxWaiting >= 0))
    throw new TypeError('maxWaiting must be 0 or more')
  if (!(Number.isSafeInteger(mostOfOne) && mostOfOne >= 1)) throw new TypeError('mostOfOne must be 1 or more')
  if (!(Number.isSafeInteger(kept) && kept >= 0 && kept <= maxWaiting))
    throw new TypeError('kept must be 0 to maxWaiting')
}

/**
 * A queue with both ends bounded: so many jobs run at once, so many callers wait; one more is refused with
 * `unavailable` and this reason, before any work. Callers who name a group wait fairly: turns go round the
 * groups, `kept` places and every other turn are for the known, and in a full queue a newcomer has the place
 * of the last of the group that has most, who is refused in its stead. `mostOfOne` bounds each group
 * (`rate_limited`, reason `places_taken`). Who names none waits in the order of coming.
 *
 *     const queue = createBoundedQueue({ atOnce: 2, maxWaiting: 64, reason: 'search_queue_full' })
 *     const posts = await queue.run(() => search('hello'))
 */
export const createBoundedQueue = (bounds: QueueBounds): BoundedQueue => {
  checkBounds(bounds)
  const { atOnce, maxWaiting, reason, mostOfOne = Number.POSITIVE_INFINITY, kept = 0 } = bounds
  const line = createFairLine(maxWaiting, kept)
  const placesOf = new Map<string, number>()
  let running = 0
  let begun = 0
  let refused = 0

  const takePlace = (group: string): void => {
    const places = placesOf.get(group) ?? 0
    if (places >= mostOfOne) throw new Refusal('rate_limited', { reason: 'places_taken', retryAfter: 1 })
    placesOf.set(group, places + 1)
  }

  const givePlaceBack = (group: string): void => {
    const places = placesOf.get(group) ?? 0
    if (places > 1) placesOf.set(group, places - 1)
    else placesOf.delete(group)
  }

  // Whoever goes leaves the queue: nobody behind waits for a job that is for nobody.
  const wait = ({ group, isKnown, gone }: QueueCaller): Promise<void> =>
    new Promise((resolve, reject) => {
      const refuse = (why: string) => {
        if (why === reason) refused += 1
        reject(new Refusal('unavailable', { reason: why, retryAfter: 1 }))
      }
      const waiter = { group, isKnown, enter: resolve, giveWay: () => refuse(reason) }
      const goAway = () => {
        line.leave(waiter)
        refuse('caller_gone')
      }
      if (gone?.aborted) return goAway()
      if (!line.join(waiter)) return refuse(reason)
      gone?.addEventListener('abort', goAway, { once: true })
    })

  const enter = (caller: QueueCaller): Promise<void> | undefined => {
    if (running >= atOnce) return wait(caller)
    running += 1
    return undefined
  }

  // A place that becomes free is handed to the next in the queue, so nobody who comes in between
  // can take it: the order holds and `running` never exceeds `atOnce`.
  const leave = (): void => {
    const next = line.next()
    if (next === undefined) running -= 1
    else next.enter()
  }

  const runInTurn = async <T>(job: () => Promise<T>, caller: QueueCaller): Promise<T> => {
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
    check: caller => {
      if (running < atOnce || line.hasPlaceFor(caller)) return
      refused += 1
      throw new Refusal('unavailable', { reason, retryAfter: 1 })
    },
    run: async (job, caller) => {
      if (caller === undefined) return runInTurn(job, ours)
      takePlace(caller.group)
      try {
        return await runInTurn(job, caller)
      } finally {
        givePlaceBack(caller.group)
      }
    },
    count: () => begun,
    waiting: line.size,
    running: () => running,
    refused: () => refused,
  }
}
