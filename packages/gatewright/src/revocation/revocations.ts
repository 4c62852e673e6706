import { ageOf, type Clock, longAgo, momentOf, second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { CutOffRow, Database } from '../storage/tables.ts'
import { type FeedPosition, feedStart, readFeed } from './feed.ts'
import { createWake, type Waker, wakeEvery } from './wake.ts'

/** What of a token the revocation set looks at. */
export type Revocable = {
  readonly userId: string
  readonly sessionId: string
  readonly userVersion: number
  /** The key that signed it; a cookie has none. */
  readonly keyId?: string
}

/** What one read of the feed gave. */
export type ViewRead = {
  readonly rows: readonly CutOffRow[]
  /** Where the view stands after it. */
  readonly position: FeedPosition
  /** It was read from the start: nothing that was known of positions before counts any more. */
  readonly isWhole: boolean
}

export type ViewListener = {
  /** After each complete read. */
  readonly read: (read: ViewRead) => void
  /** This process has cut something off, which it has not read yet. */
  readonly applied: () => void
}

/**
 * What has been taken back, in the memory of this process, with the database behind it.
 *
 * The age of the view counts from the moment at which its last complete read was *sent*. Past the
 * bound a request waits shortly for a read that is under way and is else refused with 503: it never
 * guesses "valid".
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
  /** The roles of a user whose claim may be old, read once and frozen; undefined where the claim is right. */
  readonly findRereadRoles: (userId: string) => Promise<readonly string[]> | undefined
  /** Resolves (or is undefined at once) when the view is fresh. @throws Refusal `unavailable` */
  readonly ensureFresh: () => Promise<void> | undefined
  /** Milliseconds since the last complete read was sent. */
  readonly age: () => number
  /** Resolves after a complete read that was sent from now on; many who ask share one. */
  readonly readFromNow: () => Promise<void>
  readonly listen: (listener: ViewListener) => void
}

type Dependencies = {
  /** By which the feed is read from its start, which may take its time. */
  readonly db: Database
  /** By which it is followed: one whose connections requests can't use up (`openDatabases`). */
  readonly watch: Database
  readonly clock: Clock
  /** The bound, in milliseconds (`REVOCATION_MAX_AGE`). */
  readonly maxAge: number
  readonly readRoles: (userId: string) => Promise<readonly string[]>
  /** Is told of every signing key that was revoked. */
  readonly onKeyRevoked?: (kid: string) => void
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

type Reread = { readonly place: number; until: number; roles?: Promise<readonly string[]> }

/** Of two cut-offs of one thing the later may matter for less long. What the former names ends no sooner for it. */
const latest = (known: number | undefined, { matters_until }: CutOffRow): number =>
  Math.max(known ?? 0, matters_until)

const createSet = ({ readRoles, onKeyRevoked }: Pick<Dependencies, 'readRoles' | 'onKeyRevoked'>) => {
  const signingKeys = new Map<string, number>()
  const sessions = new Map<string, number>()
  const users = new Map<string, { readonly version: number; readonly until: number }>()
  const rereads = new Map<string, Reread>()

  /** One entry for each kind of the feed. */
  const kinds: Readonly<Record<string, (row: CutOffRow) => void>> = {
    session: row => sessions.set(row.subject, latest(sessions.get(row.subject), row)),
    user: row => {
      const known = users.get(row.subject)
      const version = Math.max(known?.version ?? 0, row.version ?? 0)
      users.set(row.subject, { version, until: latest(known?.until, row) })
    },
    'signing-key': row => {
      signingKeys.set(row.subject, latest(signingKeys.get(row.subject), row))
      onKeyRevoked?.(row.subject)
    },
    'reread-user': row => {
      const known = rereads.get(row.subject)
      const until = latest(known?.until, row)
      if (known === undefined || known.place < row.place)
        rereads.set(row.subject, { place: row.place, until })
      else known.until = until
    },
  }
  const isKeyRevoked = (kid: string | undefined): boolean => kid !== undefined && signingKeys.has(kid)
  return {
    /** False for a kind that this version does not know. */
    add: (row: CutOffRow): boolean => {
      const add = Object.hasOwn(kinds, row.kind) ? kinds[row.kind] : undefined
      add?.(row)
      return add !== undefined
    },
    isKeyRevoked,
    isEnded: ({ sessionId, userId, userVersion, keyId }: Revocable): boolean =>
      sessions.has(sessionId) ||
      userVersion < (users.get(userId)?.version ?? 0) ||
      (signingKeys.size > 0 && isKeyRevoked(keyId)),
    findRereadRoles: (userId: string): Promise<readonly string[]> | undefined => {
      const reread = rereads.get(userId)
      if (reread === undefined) return undefined
      reread.roles ??= readRoles(userId)
        .then(roles => Object.freeze(roles))
        .catch(error => {
          delete reread.roles
          throw error
        })
      return reread.roles
    },
    /** The roles in memory may be those of a database that is no more, and places may be given again. */
    forgetRoles: (): void => {
      for (const [id, { until }] of rereads) rereads.set(id, { place: 0, until })
    },
    prune: (now: number): void => {
      for (const [id, until] of sessions) if (until < now) sessions.delete(id)
      for (const [id, until] of signingKeys) if (until < now) signingKeys.delete(id)
      for (const [id, { until }] of users) if (until < now) users.delete(id)
      for (const [id, { until }] of rereads) if (until < now) rereads.delete(id)
    },
  }
}

export const createRevocations = ({
  db,
  watch,
  clock,
  maxAge,
  wakers = [],
  wakeOthers,
  ...calls
}: Dependencies): Revocations => {
  const set = createSet(calls)
  let position = feedStart
  let sentAt = longAgo
  let reading: Promise<void> | undefined
  let unknownKind = false
  let waiting = 0
  let stops: readonly (() => void)[] = []
  const listeners: ViewListener[] = []

  const age = (): number => ageOf(clock, sentAt)

  const apply = (rows: readonly CutOffRow[]): void => {
    for (const row of rows) if (!set.add(row)) unknownKind = true
  }

  /** What is known stays known; until everything was read again, nothing else counts as valid. */
  const startOver = (): Promise<void> => {
    position = feedStart
    sentAt = longAgo
    set.forgetRoles()
    return read()
  }

  const read = async (): Promise<void> => {
    const sent = momentOf(clock)
    const isWhole = position === feedStart
    const from = isWhole ? db : watch
    const { rows, next, hasGoneBack } = await readFeed(from, position, sent.wall)
    if (hasGoneBack) return startOver()
    apply(rows)
    position = next
    sentAt = sent
    for (const listener of listeners) listener.read({ rows, position: next, isWhole })
  }

  /** One read at a time, whoever asks. */
  const catchUp = (): Promise<void> => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }

  /** Sent after the call: one that was under way may have been sent before. */
  const readFromNow = async (): Promise<void> => {
    await reading?.catch(() => {})
    await catchUp()
  }

  const isFresh = (): boolean => !unknownKind && age() <= maxAge

  /** A read that was under way may have been sent too long ago to count. */
  const readAnew = async (): Promise<void> => {
    await catchUp()
    if (!isFresh()) await catchUp()
  }

  const waitUntilFresh = async (): Promise<void> => {
    const stale = new Refusal('unavailable', { reason: 'revocations_stale', retryAfter: 1 })
    if (waiting >= mostWaiting) throw stale
    waiting++
    try {
      await Promise.race([readAnew().catch(() => {}), clock.sleep(longestWait)])
    } finally {
      waiting--
    }
    if (!isFresh()) throw stale
  }

  return {
    start: async () => {
      await read()
      const interval = Math.min(longestInterval, maxAge / intervalsInBound)
      const wake = createWake(readFromNow)
      stops = [
        // One that failed is made again at once, over another connection.
        wakeEvery(interval)(() => catchUp().catch(wake)),
        wakeEvery(pruneInterval)(() => set.prune(clock.now())),
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
    findRereadRoles: set.findRereadRoles,
    ensureFresh: () => (isFresh() ? undefined : waitUntilFresh()),
    age,
    readFromNow,
    listen: listener => void listeners.push(listener),
  }
}
