import { type Origin, recordEvent } from '../audit/record.ts'
import { Refusal } from '../ground/refusal.ts'
import { oldestView, publishedAhead } from '../keys/ring-plan.ts'
import { moveKey, type RingDependencies, readRing, turnRingWith } from '../keys/turn-ring.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Database, SigningKeyRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

/** All keys that are there or were lately, the newest first. */
export const listKeys = (db: Database): Promise<readonly SigningKeyRow[]> =>
  db.selectFrom('signing_keys').selectAll().orderBy('created_at', 'desc').orderBy('kid').execute()

/** Checks that an administrator may still do this, and throws where not: see `holdAdministrator`. */
export type HoldCaller = (work: Work) => Promise<void>

export type Rotation = {
  /** The key that signs now. */
  readonly kid: string
  /** When the next one does, in milliseconds, where that is not at once. */
  readonly waitsUntil: number | undefined
}

const askForRotation = async (
  dependencies: RingDependencies,
  work: Work,
  origin: Origin,
): Promise<string | undefined> => {
  const asked = await work.db
    .updateTable('signing_keys')
    .set({ rotation_asked_at: dependencies.clock.now() })
    .where('state', '=', 'active')
    .returning('kid')
    .executeTakeFirst()
  if (asked !== undefined)
    await recordEvent(dependencies, work, 'signing-key.rotation-asked', { origin, details: asked })
  return asked?.kid
}

/**
 * Lets the next key sign: at once, or once it has been published for long enough that every verifier
 * knows it; whatever process turns the ring then does it. The key before it verifies its tokens till
 * they are over.
 * @param hold checks in the transaction who asks for it; the command line is asked for nothing
 */
export const rotateKeys = async (
  dependencies: RingDependencies,
  origin: Origin,
  hold: HoldCaller = async () => {},
): Promise<Rotation> => {
  const before = await turnRingWith(dependencies, {
    spares: 1,
    origin,
    first: async work => {
      await hold(work)
      return askForRotation(dependencies, work, origin)
    },
  })
  const { rows } = await readRing(dependencies.db, dependencies.settings)
  const active = rows.find(({ state }) => state === 'active')
  const next = rows.find(({ state }) => state === 'published')
  if (active === undefined) throw new Refusal('unavailable', { reason: 'no_signing_key', retryAfter: 1 })
  const waits = active.kid === before && next !== undefined
  return { kid: active.kid, waitsUntil: waits ? next.created_at + publishedAhead : undefined }
}

export type RevokeDependencies = RingDependencies & { readonly revocations: Revocations }

/** Whoever may still sign with it, in another process, stops when that has read the cut-off, or the ring anew. */
const endTokensOf = (
  dependencies: RevokeDependencies,
  work: Work,
  { kid, token_ttl }: SigningKeyRow,
): Promise<void> => {
  const promisedUntil = dependencies.clock.now() + oldestView + token_ttl
  return recordCutOffs(dependencies, work, [{ kind: 'signing-key', subject: kid, promisedUntil }])
}

const endKey = async (
  dependencies: RevokeDependencies,
  work: Work,
  { kid, origin }: { readonly kid: string; readonly origin: Origin },
): Promise<boolean> => {
  const row = await work.db.selectFrom('signing_keys').selectAll().where('kid', '=', kid).executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found', { detail: 'There is no signing key of that id.' })
  if (row.state === 'gone') return false
  const step = { from: row.state, to: 'gone', at: 'gone_at', event: 'signing-key.revoked' } as const
  await moveKey(dependencies, work, step, { kid, origin })
  await endTokensOf(dependencies, work, row)
  return true
}

/** Every key that is not gone: nothing that it signed is good any more, and its private half is erased. */
export const endAllKeys = async (
  dependencies: RevokeDependencies,
  work: Work,
  origin: Origin,
): Promise<number> => {
  const { rows } = await readRing(work.db, dependencies.settings)
  for (const { kid } of rows) await endKey(dependencies, work, { kid, origin })
  return rows.length
}

/** It may have been the one that signs, with none behind it: then both are made. */
export const mostNeeded = 2

/**
 * Revokes a key: every token that it signed ends, in this process at once and in every other within the
 * freshness bound, and its private half is erased. Sessions go on. Where it is the one that signs, the
 * published one signs from then on, and another is published, in the same transaction.
 * @param hold checks in the transaction who asks for it; the command line is asked for nothing
 * @returns whether it was still there
 * @throws Refusal `not_found`
 */
export const revokeKey = (
  dependencies: RevokeDependencies,
  { kid, origin }: { readonly kid: string; readonly origin: Origin },
  hold: HoldCaller = async () => {},
): Promise<boolean> =>
  turnRingWith(dependencies, {
    spares: mostNeeded,
    origin,
    first: async work => {
      await hold(work)
      return endKey(dependencies, work, { kid, origin })
    },
  })
