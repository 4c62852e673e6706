import { type Origin, recordEvent, systemOrigin } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Settings } from '../ground/settings.ts'
import type { Processes } from '../processes/processes.ts'
import type { Database, SigningKeyRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { type Algorithm, algorithmOf, isAlgorithm } from './algorithms.ts'
import { listedFor, type Move, planMoves } from './ring-plan.ts'
import { makeKey, type NewKey, openKey, sealKey } from './signing-keys.ts'

export type RingDependencies = {
  readonly db: Database
  readonly secrets: Secrets
  readonly processes: Pick<Processes, 'holdSecretInForce'>
  readonly clock: Clock
  readonly random: Random
  readonly settings: Pick<Settings, 'tokenAlgorithm' | 'keyRotation' | 'accessTokenTtl'>
}

/** Every key in use, the newest first, and the algorithm that the next one has. */
export type StoredRing = { readonly rows: readonly SigningKeyRow[]; readonly algorithm: Algorithm }

export const readRing = async (
  db: Database,
  { tokenAlgorithm }: Pick<Settings, 'tokenAlgorithm'>,
): Promise<StoredRing> => {
  const asked = await db.selectFrom('installation').select('token_algorithm').executeTakeFirst()
  const rows = await db
    .selectFrom('signing_keys')
    .selectAll()
    .where('state', 'in', ['published', 'active', 'retired'])
    .orderBy('created_at', 'desc')
    .execute()
  const { token_algorithm: noted } = asked ?? {}
  return { rows, algorithm: noted && isAlgorithm(noted) ? noted : algorithmOf[tokenAlgorithm] }
}

type Broken = ReadonlySet<string>

const planRing = (
  { clock, settings }: Pick<RingDependencies, 'clock' | 'settings'>,
  { rows, algorithm }: StoredRing,
  broken: Broken = new Set(),
): readonly Move[] => planMoves(rows, clock.now(), { algorithm, rotation: settings.keyRotation, broken })

/** Ids of the keys that would sign next and can't be opened here: with one of them nobody could sign. */
const findBroken = async (
  { secrets }: Pick<RingDependencies, 'secrets'>,
  { rows }: StoredRing,
): Promise<Broken> => {
  const next = rows.filter(({ state }) => state === 'published')
  const opened = await Promise.allSettled(next.map(row => openKey(secrets, row)))
  return new Set(next.filter((_, at) => opened[at]?.status === 'rejected').map(({ kid }) => kid))
}

/** One step of a key's life: from which state, to which, and what is noted. */
type Step = {
  readonly from: string
  readonly to: string
  readonly at: 'activated_at' | 'retired_at' | 'gone_at'
  readonly event: 'signing-key.activated' | 'signing-key.retired' | 'signing-key.gone' | 'signing-key.revoked'
}

const steps = {
  activate: { from: 'published', to: 'active', at: 'activated_at', event: 'signing-key.activated' },
  retire: { from: 'active', to: 'retired', at: 'retired_at', event: 'signing-key.retired' },
  withdraw: { from: 'published', to: 'gone', at: 'gone_at', event: 'signing-key.gone' },
  erase: { from: 'retired', to: 'gone', at: 'gone_at', event: 'signing-key.gone' },
} as const satisfies Record<string, Step>

/** One compare-and-set, with its event. What is gone keeps no private half. @throws Error where the state was another */
export const moveKey = async (
  dependencies: Pick<RingDependencies, 'clock'>,
  work: Work,
  { from, to, at, event }: Step,
  { kid, origin }: { readonly kid: string; readonly origin: Origin },
): Promise<void> => {
  const now = dependencies.clock.now()
  const { numUpdatedRows } = await work.db
    .updateTable('signing_keys')
    .set({
      state: to,
      [at]: now,
      ...(to === 'gone' && { private_key: '' }),
      ...(event === 'signing-key.revoked' && { revoked_at: now }),
    })
    .where('kid', '=', kid)
    .where('state', '=', from)
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) throw new Error(`the signing key ${kid} is not ${from}`)
  await recordEvent(dependencies, work, event, { origin, details: { kid } })
}

/** Keys to be used up, and the secret that seals them. */
type Spares = { readonly keys: NewKey[]; readonly secretId: string; readonly origin: Origin }

const insertKey = async (
  dependencies: RingDependencies,
  work: Work,
  state: 'active' | 'published',
  { keys, secretId, origin }: Spares,
): Promise<void> => {
  const key = keys.shift()
  // Another process has changed what is needed: the next turn makes it.
  if (key === undefined) return
  const now = dependencies.clock.now()
  const row = {
    ...sealKey(dependencies.secrets, key, secretId),
    state,
    created_at: now,
    activated_at: state === 'active' ? now : null,
    token_ttl: dependencies.settings.accessTokenTtl,
  }
  await work.db.insertInto('signing_keys').values(row).execute()
  const { kid, algorithm } = key
  await recordEvent(dependencies, work, 'signing-key.made', { origin, details: { kid, algorithm } })
  if (state === 'active')
    await recordEvent(dependencies, work, 'signing-key.activated', { origin, details: { kid } })
}

const applyMove = async (
  dependencies: RingDependencies,
  work: Work,
  move: Move,
  spares: Spares,
): Promise<void> => {
  if (move.what === 'make') return insertKey(dependencies, work, move.state, spares)
  await moveKey(dependencies, work, steps[move.what], { kid: move.kid, origin: spares.origin })
}

/** Only a turn adds rows, so a turn also takes away those that nobody needs to see any more. */
const forgetOldKeys = async ({ clock }: RingDependencies, { db }: Work): Promise<void> => {
  await db
    .deleteFrom('signing_keys')
    .where('state', '=', 'gone')
    .where('gone_at', '<', clock.now() - listedFor)
    .execute()
}

/** All that one turn does has one time. */
const atOneMoment = (dependencies: RingDependencies): RingDependencies => {
  const now = dependencies.clock.now()
  return { ...dependencies, clock: { ...dependencies.clock, now: () => now } }
}

type Turn<T> = {
  /** How many new keys the turn can use up. */
  readonly spares: number
  readonly origin: Origin
  /** What is changed first, in the same transaction. */
  readonly first: (work: Work) => Promise<T>
}

/**
 * Changes the ring, and then does what it needs, in one transaction that holds the installation's row: of
 * many who come at once each sees what the one before it left, so every step is done once. The times are
 * taken under the lock, and so is the secret that seals, which stays the one in force until the commit. Keys
 * that are made for a turn and not needed were never anywhere.
 */
export const turnRingWith = async <T>(
  dependencies: RingDependencies,
  { spares: count, origin, first }: Turn<T>,
): Promise<T> => {
  const { db, random, processes, settings } = dependencies
  const before = await readRing(db, settings)
  const { algorithm } = before
  const broken = await findBroken(dependencies, before)
  const made = await Promise.all(Array.from({ length: count }, () => makeKey(random, algorithm)))
  return inTransaction(db, async work => {
    const secretId = await processes.holdSecretInForce(work)
    const result = await first(work)
    const ring = await readRing(work.db, settings)
    const spares = { keys: made.filter(key => key.algorithm === ring.algorithm), secretId, origin }
    const atOnce = atOneMoment(dependencies)
    for (const move of planRing(atOnce, ring, broken)) await applyMove(atOnce, work, move, spares)
    await forgetOldKeys(atOnce, work)
    return result
  })
}

/** Does what the ring needs, as it was read. @returns whether there was anything */
export const turnRing = async (dependencies: RingDependencies, ring: StoredRing): Promise<boolean> => {
  if (planRing(dependencies, ring).length === 0) return false
  const moves = planRing(dependencies, ring, await findBroken(dependencies, ring))
  if (moves.length === 0) return false
  const spares = moves.filter(({ what }) => what === 'make').length
  await turnRingWith(dependencies, { spares, origin: systemOrigin, first: async () => {} })
  return true
}

/** The algorithm that a start asks for holds for all processes, whoever makes the next key: they would not agree else. */
export const noteAlgorithm = async ({ db, settings }: RingDependencies): Promise<void> => {
  const algorithm = algorithmOf[settings.tokenAlgorithm]
  await db
    .updateTable('installation')
    .set({ token_algorithm: algorithm })
    .where(eb => eb.or([eb('token_algorithm', 'is', null), eb('token_algorithm', '!=', algorithm)]))
    .execute()
}

/**
 * A key says for how long at most its tokens live, and does so before this process signs with it: whatever
 * ACCESS_TOKEN_TTL each process has, the key stays until the last token is over.
 * @returns whether anything was changed, so that the rows have to be read again
 */
export const noteTtl = async (
  { db, settings: { accessTokenTtl: ttl } }: Pick<RingDependencies, 'db' | 'settings'>,
  rows: readonly SigningKeyRow[],
): Promise<boolean> => {
  const signs = rows.filter(({ state }) => state === 'active' || state === 'published')
  if (!signs.some(({ token_ttl }) => token_ttl < ttl)) return false
  await db
    .updateTable('signing_keys')
    .set({ token_ttl: ttl })
    .where('state', 'in', ['active', 'published'])
    .where('token_ttl', '<', ttl)
    .execute()
  return true
}
