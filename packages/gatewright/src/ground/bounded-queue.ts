import { Refusal } from './refusal.ts'

/** See {@link createBoundedQueue}. */
export type BoundedQueue = {
  /** Runs the job when there is a place; its error is the caller's alone. Refuses when full. */
  readonly run: <T>(job: () => Promise<T>) => Promise<T>
  /** Jobs begun so far. */
  readonly count: () => number
  /** Callers in the queue. */
  readonly waiting: () => number
}

/**
 * A queue with both ends bounded: so many jobs run at once, so many callers wait, in their order; one more
 * is refused with `unavailable` and this reason, before any work.
 *
 *     const queue = createBoundedQueue({ atOnce: 2, maxWaiting: 64, reason: 'search_queue_full' })
 *     const posts = await queue.run(() => search('hello'))
 */
export const createBoundedQueue = (bounds: {
  readonly atOnce: number
  readonly maxWaiting: number
  readonly reason: string
}): BoundedQueue => {
  const { atOnce, maxWaiting, reason } = bounds
  if (!(Number.isSafeInteger(atOnce) && atOnce >= 1)) throw new TypeError('atOnce must be 1 or more')
  if (!(Number.isSafeInteger(maxWaiting) && maxWaiting >= 0))
    throw new TypeError('maxWaiting must be 0 or more')
  const waiting: (() => void)[] = []
  let running = 0
  let begun = 0

  // A place that becomes free is handed to the first in the queue, so nobody who comes in between
  // can take it: the order holds and `running` never exceeds `atOnce`.
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }

  return {
    run: async job => {
      if (running < atOnce) running += 1
      else if (waiting.length < maxWaiting) await new Promise<void>(resolve => waiting.push(resolve))
      else throw new Refusal('unavailable', { reason, retryAfter: 1 })
      begun += 1
      try {
        return await job()
      } finally {
        leave()
      }
    },
    count: () => begun,
    waiting: () => waiting.length,
  }
}
