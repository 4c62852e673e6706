import type { JWK } from 'jose'
import { second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database, SigningKeyRow } from '../storage/tables.ts'
import { oldestView } from './ring-plan.ts'
import { createRingReads } from './ring-reads.ts'
import { openKey, type SigningKey } from './signing-keys.ts'
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
  /** Takes a revoked key out at once, before the ring is read again. */
  readonly drop: (kid: string) => void
  /** Calls back whenever a key is no longer there. */
  readonly onRemoved: (listener: (kid: string) => void) => void
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
}

/** About how often the ring is read and turned: many times before a view grows too old. */
const interval = 2 * second
const mostWaiting = 1_000

const kidPattern = /^[\w-]{22}$/

const unavailable = (reason: string): Refusal => new Refusal('unavailable', { reason, retryAfter: 1 })

/** Opens keys, each once as long as its row says the same. */
const createOpener = ({ secrets }: RingDependencies) => {
  const opened = new Map<string, { readonly sealed: string; readonly key: SigningKey }>()
  return {
    open: async (row: SigningKeyRow): Promise<SigningKey> => {
      const known = opened.get(row.kid)
      if (known?.sealed === row.private_key && known.key.algorithm === row.algorithm) return known.key
      const key = await openKey(secrets, row)
      opened.set(row.kid, { sealed: row.private_key, key })
      return key
    },
    forget: (kid: string): void => void opened.delete(kid),
  }
}

type Keys = ReadonlyMap<string, SigningKey>

/** What this process knows of the ring, and who is told when a key is no longer there. */
const createView = (dependencies: RingDependencies) => {
  const { open, forget } = createOpener(dependencies)
  const listeners = [forget]
  const dropped = new Set<string>()
  let keys: Keys = new Map()
  let active: SigningKey | undefined
  let shown: readonly JWK[] = []

  const show = (next: Keys, signs: string | undefined): void => {
    const gone = [...keys.keys()].filter(kid => !next.has(kid))
    if (gone.length > 0 || next.size !== keys.size)
      shown = Object.freeze([...next.values()].flatMap(({ publicJwk }) => publicJwk ?? []))
    keys = next
    active = signs === undefined ? undefined : keys.get(signs)
    for (const kid of gone) for (const listener of listeners) listener(kid)
  }
  return {
    find: (kid: string) => keys.get(kid),
    getActive: () => active,
    listPublic: () => shown,
    onRemoved: (listener: (kid: string) => void) => void listeners.push(listener),
    adopt: async (rows: readonly SigningKeyRow[]): Promise<void> => {
      const opened = await Promise.all(rows.map(open))
      // What was revoked since the rows were read stays out.
      const live = opened.filter(({ kid }) => !dropped.has(kid))
      show(new Map(live.map(key => [key.kid, key])), rows.find(({ state }) => state === 'active')?.kid)
    },
    drop: (kid: string): void => {
      dropped.add(kid)
      show(new Map([...keys].filter(([id]) => id !== kid)), active?.kid)
    },
  }
}

type View = ReturnType<typeof createView>

/** The reads of a view, and how old it is. */
const createReader = (dependencies: KeyRingDependencies, view: View) => {
  const { db, watch = db, clock, settings } = dependencies
  let sentAt = { monotonic: Number.NEGATIVE_INFINITY, wall: 0 }
  let last: StoredRing | undefined

  const read = async (): Promise<void> => {
    const sent = { monotonic: clock.monotonic(), wall: clock.now() }
    const ring = await readRing(watch, settings)
    if (await noteTtl(dependencies, ring.rows)) return read()
    await view.adopt(ring.rows)
    sentAt = sent
    last = ring
  }
  return {
    ...createRingReads(clock, read),
    lastRead: () => last,
    /** By both clocks, as the view of revocations is: the larger age counts, and a clock set back makes it old. */
    isFresh: (): boolean => {
      const byWall = clock.now() - sentAt.wall
      return byWall >= 0 && Math.max(byWall, clock.monotonic() - sentAt.monotonic) <= oldestView
    },
  }
}

type Reader = ReturnType<typeof createReader>

/** Twice: a read that was under way may have been sent before what the caller has to see. */
const getActiveAnew = async (view: View, { catchUp, isFresh }: Reader): Promise<SigningKey> => {
  for (let attempt = 0; attempt < 2; attempt++) {
    await catchUp().catch(() => {
      throw unavailable('signing_keys_stale')
    })
    const active = view.getActive()
    if (isFresh() && active !== undefined) return active
  }
  throw unavailable('no_signing_key')
}

const createFindAnew = (view: View, { catchUpLater }: Reader): KeyRing['findAnew'] => {
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
  const view = createView(dependencies)
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
    drop: kid => {
      view.drop(kid)
      reader.catchUp().catch(() => {})
    },
    onRemoved: view.onRemoved,
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
 * @throws Error for a key that can't be opened
 */
export const openKeyRing = async (dependencies: KeyRingDependencies): Promise<KeyRing> => {
  const ring = createKeyRing(dependencies)
  await ring.turn()
  return ring
}
