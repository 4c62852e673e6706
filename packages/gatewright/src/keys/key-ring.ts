import type { JWK } from 'jose'
import { ageOf, longAgo, momentOf, second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database } from '../storage/tables.ts'
import { oldestShown, oldestView } from './ring-plan.ts'
import { createRingReads } from './ring-reads.ts'
import { createRingView, type RingLog, type RingView } from './ring-view.ts'
import type { SigningKey } from './signing-keys.ts'
import { noteTtl, type RingDependencies, readRing, type StoredRing, turnRing } from './turn-ring.ts'

/** The signing keys in the memory of this process, with the ring in the database behind them. */
export type KeyRing = {
  /** The key that signs; the ring is read first where the view is too old to say. @throws Refusal `unavailable` */
  readonly getActive: () => SigningKey | Promise<SigningKey>
  /** The key of that id, or undefined: an unknown `kid` is never guessed at. */
  readonly find: (kid: string) => SigningKey | undefined
  /**
   * The same after a read that is sent from now on. Many who ask share one, and reads keep a distance, so
   * made-up ids cost next to nothing. @throws Refusal `unavailable` where it can't be told
   */
  readonly findAnew: (kid: string) => Promise<SigningKey | undefined>
  /** The public halves of the keys that tokens may be signed with; the same list as long as the keys are. */
  readonly listPublic: () => readonly JWK[]
  /**
   * The same, to be shown to others, who keep it; the ring is read first where the view is too old for that.
   * @throws Refusal `unavailable`
   */
  readonly getPublic: () => readonly JWK[] | Promise<readonly JWK[]>
  /** Takes a revoked key out at once, before the ring is read again. */
  readonly drop: (kid: string) => void
  /** Calls back whenever a key is no longer there. */
  readonly onRemoved: (listener: (kid: string) => void) => void
  /** From now on keys that can't be opened, and so are left out, are told. */
  readonly tell: (log: RingLog) => void
  /** Does what the ring needs, if anything, and reads it. */
  readonly turn: () => Promise<void>
  /** Turns the ring again and again. */
  readonly follow: () => void
  /** Resolves when nothing is under way any more. */
  readonly stop: () => Promise<void>
}

export type KeyRingDependencies = RingDependencies & {
  /** Connections that requests can't use up (`openDatabases`); `db` without a word. */
  readonly watch?: Database
  /**
   * The ring is opened also where keys that do not sign can't be: for commands, which take them out. A server
   * does not start so; while it runs it leaves them out.
   */
  readonly opensBroken?: boolean
}

/** About how often the ring is read and turned: many times before a view grows too old. */
const interval = 2 * second
const mostWaiting = 1_000

const kidPattern = /^[\w-]{22}$/

const unavailable = (reason: string): Refusal => new Refusal('unavailable', { reason, retryAfter: 1 })

/** The reads of a view, and how old it is. */
const createReader = (dependencies: KeyRingDependencies, view: RingView) => {
  const { db, watch = db, clock, settings, opensBroken = false } = dependencies
  let sentAt = longAgo
  let last: StoredRing | undefined

  const read = async (): Promise<void> => {
    const sent = momentOf(clock)
    // The first one has the time that a start has; the others must not wait behind requests.
    const ring = await readRing(last === undefined ? db : watch, settings)
    if (await noteTtl(dependencies, ring.rows)) return read()
    await view.adopt(ring.rows, last === undefined && !opensBroken)
    sentAt = sent
    last = ring
  }
  return {
    ...createRingReads(clock, read),
    lastRead: () => last,
    isFresh: (oldest = oldestView): boolean => ageOf(clock, sentAt) <= oldest,
  }
}

type Reader = ReturnType<typeof createReader>

/** Twice: a read that was under way may have been sent before what the caller has to see. */
const getActiveAnew = async (view: RingView, { catchUp, isFresh }: Reader): Promise<SigningKey> => {
  for (let attempt = 0; attempt < 2; attempt++) {
    await catchUp().catch(() => {
      throw unavailable('signing_keys_stale')
    })
    const active = view.getActive()
    if (isFresh() && active !== undefined) return active
  }
  throw unavailable('no_signing_key')
}

const getPublicAnew = async (view: RingView, { catchUp }: Reader): Promise<readonly JWK[]> => {
  await catchUp().catch(() => {
    throw unavailable('signing_keys_stale')
  })
  return view.listPublic()
}

const createFindAnew = (view: RingView, { catchUpLater }: Reader): KeyRing['findAnew'] => {
  let waiting = 0
  return async kid => {
    if (!kidPattern.test(kid)) return undefined
    if (waiting >= mostWaiting) throw unavailable('signing_keys_busy')
    waiting++
    await catchUpLater()
      .catch(() => {
        throw unavailable('signing_keys_stale')
      })
      .finally(() => waiting--)
    return view.find(kid)
  }
}

const createKeyRing = (dependencies: KeyRingDependencies): KeyRing => {
  const { random } = dependencies
  const view = createRingView(dependencies)
  const reader = createReader(dependencies, view)
  let turning: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  const turn = async (): Promise<void> => {
    await reader.catchUp()
    const ring = reader.lastRead()
    if (ring === undefined || !(await turnRing(dependencies, ring))) return
    await reader.settle()
    await reader.catchUp()
  }
  /** Not all processes at the same moments. */
  const nextTurnIn = (): number => interval * (0.75 + (random.bytes(1)[0] ?? 0) / 512)
  const follow = (): void => {
    timer = setTimeout(() => {
      turning = turn()
        .catch(() => {})
        .then(() => void (timer && follow()))
    }, nextTurnIn()).unref()
  }
  return {
    getActive: () => (reader.isFresh() && view.getActive()) || getActiveAnew(view, reader),
    find: view.find,
    findAnew: createFindAnew(view, reader),
    listPublic: view.listPublic,
    getPublic: () => (reader.isFresh(oldestShown) ? view.listPublic() : getPublicAnew(view, reader)),
    drop: kid => {
      view.drop(kid)
      reader.catchUp().catch(() => {})
    },
    onRemoved: view.onRemoved,
    tell: view.tell,
    turn,
    follow,
    stop: async () => {
      clearTimeout(timer)
      timer = undefined
      await turning
      await reader.settle()
    },
  }
}

/**
 * Opens the ring of the database, and makes what it lacks: on an empty database the first key and the one
 * after it.
 * @throws Error for a key that can't be opened, and from then on only where it is the one that signs
 */
export const openKeyRing = async (dependencies: KeyRingDependencies): Promise<KeyRing> => {
  const ring = createKeyRing(dependencies)
  await ring.turn()
  return ring
}
