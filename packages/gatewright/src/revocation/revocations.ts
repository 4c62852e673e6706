import { second } from '../ground/clock.ts'
import { type Random, systemRandom } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { CutOffRow } from '../storage/tables.ts'
import { createAlarm, type FeedLog, type Harm } from './alarm.ts'
import { createCatchUp } from './catch-up.ts'
import { createCutOffSet, type Revocable } from './cut-off-set.ts'
import { createFeedReader, type ReaderDependencies, type ViewReads } from './feed-reader.ts'
import { createView, whys } from './view.ts'
import { createWake, type Waker, wakeEvery } from './wake.ts'

export type { Revocable } from './cut-off-set.ts'

export type ViewListener = ViewReads & {
  /** This process has cut something off, which it has not read yet. */
  readonly applied: () => void
}

/**
 * What has been taken back, in the memory of this process, with the database behind it.
 *
 * The age of the view counts from the moment at which its last complete read was *sent*. Past the
 * bound a request waits shortly for a read that is under way and is else refused with 503: it never
 * guesses "valid".
 *
 * A database that is another one, or an older state of itself, is given what it lacks of what this process
 * remembers; until that is there and everything was read again, nobody is let in.
 */
export type Revocations = {
  /** Reads all that still matters once and then follows the feed. Nothing is served before. */
  readonly start: () => Promise<void>
  readonly stop: () => void
  /** Takes what this process has written and made durable, and wakes others. */
  readonly apply: (rows: readonly CutOffRow[]) => void
  readonly isEnded: (token: Revocable) => boolean
  /** Whether all that this key has signed has ended. */
  readonly isKeyRevoked: (kid: string | undefined) => boolean
  readonly isApiKeyEnded: (id: string) => boolean
  /** The roles of a user whose claim may be old, read once and frozen; undefined where the claim is right. */
  readonly findRereadRoles: (userId: string) => Promise<readonly string[]> | undefined
  /** Resolves (or is undefined at once) when the view is fresh. @throws Refusal `unavailable` */
  readonly ensureFresh: () => Promise<void> | undefined
  /** Milliseconds since the last complete read was sent. */
  readonly age: () => number
  /** Resolves after a complete read that was sent from now on; many who ask share one. */
  readonly readFromNow: () => Promise<void>
  readonly listen: (listener: ViewListener) => void
  /** Why nobody is let in, and for how many milliseconds nobody could be; undefined while the view is fresh. */
  readonly trouble: () => { readonly why: string; readonly since: number } | undefined
  /** What went wrong with the feed since the start, and how many cut-offs were written back. */
  readonly harm: () => Harm
  /** Calls back when the open file of the database is no longer the one of its name: this process can only end. */
  readonly onLost: (listener: () => void) => void
  /** From now on what happens to the feed is told. */
  readonly tell: (log: FeedLog) => void
}

type Dependencies = ReaderDependencies & {
  readonly random?: Random
  /** The bound, in milliseconds (`REVOCATION_MAX_AGE`). */
  readonly maxAge: number
  /** Whether the open database is still the one of its name. */
  readonly isLost?: () => boolean
  /** What starts a read sooner. */
  readonly wakers?: readonly Waker[]
  /** Tells other processes that there is something to read, as fast as may be and at most. */
  readonly wakeOthers?: () => void
}

/**
 * How often the feed is read, whoever wakes it or does not. The bound rests on these reads alone: each has
 * a second, so a view that misses three of them is still fresh, and one that no wake reaches for an hour
 * has never been older than a second.
 */
const longestInterval = second
/** For those who choose a bound so short. */
const intervalsInBound = 8
const pruneInterval = 30_000
/** How long one request waits for a read past the bound, and how many do. */
const longestWait = 500
const mostWaiting = 1_000

export const createRevocations = (dependencies: Dependencies): Revocations => {
  const { clock, maxAge, random = systemRandom, isLost = () => false, wakers = [], wakeOthers } = dependencies
  const set = createCutOffSet(dependencies)
  const view = createView(dependencies)
  const alarm = createAlarm()
  const listeners: ViewListener[] = []
  const reads: ViewReads = {
    readWhole: position => listeners.forEach(listener => void listener.readWhole(position)),
    readOn: (rows, position) => listeners.forEach(listener => void listener.readOn(rows, position)),
  }
  const { apply, read } = createFeedReader(dependencies, { set, view, alarm, reads })
  let waiting = 0
  let stops: readonly (() => void)[] = []

  const checkFile = (): void => {
    if (!view.isLost() && isLost()) {
      view.noteLost()
      alarm.lost()
    }
    if (view.isLost()) throw new Error(whys.database_lost)
  }
  const { catchUp, readFromNow } = createCatchUp({ clock, random }, async () => {
    checkFile()
    await read()
  })

  /** A read that was under way may have been sent too long ago to count, or have failed for its own time being over. */
  const readAnew = async (): Promise<void> => {
    await catchUp().catch(() => {})
    if (!view.isFresh()) await catchUp()
  }

  const waitUntilFresh = async (): Promise<void> => {
    const stale = () => new Refusal('unavailable', { reason: view.reason(), retryAfter: 1 })
    if (waiting >= mostWaiting || view.isLost()) throw stale()
    waiting++
    try {
      await Promise.race([readAnew().catch(() => {}), clock.sleep(longestWait)])
    } finally {
      waiting--
    }
    if (!view.isFresh()) throw stale()
  }

  const prune = (): void => {
    if (!set.prune(clock.now())) setImmediate(prune)
  }

  return {
    start: async () => {
      await catchUp()
      const wake = createWake(readFromNow)
      stops = [
        // One that failed is made again soon, over another connection.
        wakeEvery(Math.min(longestInterval, maxAge / intervalsInBound))(() => catchUp().catch(wake)),
        wakeEvery(pruneInterval)(prune),
        ...wakers.map(start => start(wake)),
      ]
    },
    stop: () => stops.forEach(stop => void stop()),
    apply: rows => {
      apply(rows)
      wakeOthers?.()
      for (const listener of listeners) listener.applied()
    },
    isEnded: set.isEnded,
    isKeyRevoked: set.isKeyRevoked,
    isApiKeyEnded: set.isApiKeyEnded,
    findRereadRoles: set.findRereadRoles,
    ensureFresh: () => (view.isFresh() ? undefined : waitUntilFresh()),
    age: view.age,
    readFromNow,
    listen: listener => void listeners.push(listener),
    trouble: view.trouble,
    harm: alarm.harm,
    onLost: alarm.onLost,
    tell: alarm.tell,
  }
}
