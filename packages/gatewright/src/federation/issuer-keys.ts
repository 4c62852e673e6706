import { ageOf, type Clock, hour, type Moment, minute, momentOf, second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { IssuerKey } from '../tokens/issuer-key.ts'
import { toIssuerError } from './get-issuer-json.ts'
import type { KeySet } from './read-issuer-keys.ts'

/** How it stands with an issuer's keys: for people. */
export type IssuerHealth = {
  /** When they were read last, in milliseconds. */
  readonly readAt: number | undefined
  /** What the last try met, if it failed. */
  readonly trouble: string | undefined
}

/** The keys of another issuer, in memory, never older than an hour. */
export type IssuerKeys = {
  /** Begins to read them; nobody waits. */
  readonly start: () => void
  /**
   * To be called at each request that is judged by them. Undefined where they may be used now; they are read again
   * behind the request once they are no longer new. @throws Refusal `unavailable` where there are none young enough
   */
  readonly ensureUsable: () => Promise<void> | undefined
  readonly find: (kid: string) => IssuerKey | undefined
  /** The same, after one more look where it is not known and the last such look is long enough ago. */
  readonly findAnew: (kid: string) => Promise<IssuerKey | undefined>
  readonly health: () => IssuerHealth
}

/** Keys that were taken back are known here after so long, while somebody shows tokens. */
const readEvery = 5 * minute
/** How long they are good while the issuer can't be asked. */
const oldest = hour
/**
 * Between two looks, whoever asks: anybody can make up an id of a key, and must not make this server ask for each.
 */
const coolDown = { unknown: 30 * second, failed: 5 * second } as const
const longestWait = 2 * second
const mostWaiting = 1_000

type Dependencies = {
  readonly clock: Clock
  readonly read: () => Promise<KeySet>
  /** Is told when reading begins to fail. */
  readonly onTrouble: (message: string) => void
}

/** A key that is still there stays the same object, by which what is remembered of its tokens is known. */
const keepSame = (before: KeySet, found: KeySet): KeySet =>
  new Map(
    [...found].map(([kid, key]) => {
      const known = before.get(kid)
      return [kid, known?.mark === key.mark ? known : key] as const
    }),
  )

const away = (reason: string): Refusal => new Refusal('unavailable', { reason, retryAfter: 5 })

export const createIssuerKeys = ({ clock, read, onTrouble }: Dependencies): IssuerKeys => {
  let keys: KeySet = new Map()
  let readAt: Moment | undefined
  let triedAt: Moment | undefined
  let soughtAt: Moment | undefined
  let trouble: string | undefined
  let reading: Promise<void> | undefined
  let waiting = 0

  const sinceOf = (moment: Moment | undefined): number =>
    moment === undefined ? Number.POSITIVE_INFINITY : ageOf(clock, moment)

  const fail = (error: unknown): void => {
    const { message } = toIssuerError(error)
    if (trouble === undefined) onTrouble(message)
    trouble = message
  }

  /** One at a time, whoever asks. Its age counts from when it was sent. Never rejects. */
  const readOnce = (): Promise<void> => {
    const at = momentOf(clock)
    triedAt = at
    reading ??= read()
      .then(found => {
        keys = keepSame(keys, found)
        readAt = at
        trouble = undefined
      })
      .catch(fail)
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  /** A read that is under way or, if the last one is long enough ago, another one. */
  const readAgain = (): Promise<void> | undefined => {
    if (reading !== undefined) return reading
    return trouble !== undefined && sinceOf(triedAt) < coolDown.failed ? undefined : readOnce()
  }

  const waitFor = async (under: Promise<void>): Promise<void> => {
    if (waiting >= mostWaiting) throw away('issuer_keys_awaited')
    waiting++
    try {
      await waitAtMost(longestWait, under)
    } finally {
      waiting--
    }
  }

  const waitUntilUsable = async (): Promise<void> => {
    const under = readAgain()
    if (under !== undefined) await waitFor(under)
    if (sinceOf(readAt) >= oldest) throw away('issuer_away')
  }

  return {
    start: () => void readAgain(),
    ensureUsable: () => {
      const age = sinceOf(readAt)
      if (age >= oldest) return waitUntilUsable()
      if (age >= readEvery) void readAgain()
      return undefined
    },
    find: kid => keys.get(kid),
    findAnew: async kid => {
      const known = keys.get(kid)
      if (known !== undefined) return known
      if (sinceOf(soughtAt) >= coolDown.unknown) {
        soughtAt = momentOf(clock)
        void readAgain()
      }
      if (reading !== undefined) await waitFor(reading)
      const found = keys.get(kid)
      // What can't be asked can't be judged: it may be a key that began to sign a moment ago.
      if (found === undefined && trouble !== undefined) throw away('issuer_away')
      return found
    },
    health: () => ({ readAt: readAt?.wall, trouble }),
  }
}
