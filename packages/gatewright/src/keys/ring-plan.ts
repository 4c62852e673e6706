import { day, minute } from '../ground/clock.ts'
import type { SigningKeyRow } from '../storage/tables.ts'
import type { Algorithm } from './algorithms.ts'

/**
 * How long a key is published before it signs: longer than any answer of the key set is kept by caches,
 * so that no verifier meets a key that it can't know.
 */
export const publishedAhead = 15 * minute

/** A process signs only by a view of the ring that is no older than this, and else reads it first. */
export const oldestView = minute

/**
 * The key set is shown by a view that is no older than this, and else the ring is read first: what a cache
 * then keeps for ten minutes has, for all its life, every key that signs in it.
 */
export const oldestShown = 4 * minute

/** How long a key that is gone is still listed. Nothing can be verified with it. */
export const listedFor = 90 * day

export type RingState = Omit<SigningKeyRow, 'public_key' | 'private_key'>

export type RingRules = {
  /** Of the next key. */
  readonly algorithm: Algorithm
  /** How long a key signs, in milliseconds (`KEY_ROTATION`). */
  readonly rotation: number
  /** Ids of keys that can't be opened here. Whoever can open one may let it sign; here it is left as it is. */
  readonly broken?: ReadonlySet<string>
}

/** What the ring needs now, in the order in which it may be done. */
export type Move =
  | { readonly what: 'withdraw' | 'retire' | 'activate' | 'erase'; readonly kid: string }
  | { readonly what: 'make'; readonly state: 'active' | 'published' }

/** A time that a clock set back has left in the future counts as far away too: it holds nothing up for ever. */
const isApart = (now: number, since: number | null, atLeast: number): boolean =>
  Math.abs(now - (since ?? 0)) >= atLeast

/** From when on no token that the key signed can be alive: whoever signed, read the ring `oldestView` before at most. */
export const neededUntil = ({ retired_at, token_ttl }: RingState): number =>
  (retired_at ?? 0) + oldestView + token_ttl + minute

/** When `active` should be followed by the next key. */
const isDue = (active: RingState, now: number, { algorithm, rotation }: RingRules): boolean =>
  active.rotation_asked_at !== null ||
  active.algorithm !== algorithm ||
  isApart(now, active.activated_at, rotation)

/** Both were made at one moment, for an empty ring. */
const isFirstPair = (next: RingState, { created_at, activated_at }: RingState): boolean =>
  activated_at === created_at && next.created_at === created_at

/** Every key set that a cache may hold has `next` in it: also where none was ever without it. */
const isKnown = (next: RingState, active: RingState, now: number): boolean =>
  isApart(now, next.created_at, publishedAhead) || isFirstPair(next, active)

const byState = (rows: readonly RingState[], state: string): readonly RingState[] =>
  rows.filter(row => row.state === state)

const planSigning = (rows: readonly RingState[], now: number, rules: RingRules): readonly Move[] => {
  const [active] = byState(rows, 'active')
  const [next] = byState(rows, 'published')
  const publish = { what: 'make', state: 'published' } as const
  if (next === undefined) return active ? [publish] : [{ what: 'make', state: 'active' }, publish]
  if (rules.broken?.has(next.kid)) return active ? [] : [{ what: 'make', state: 'active' }]
  const activate = [{ what: 'activate', kid: next.kid }, publish] as const
  // Whatever it is, better than none that signs.
  if (active === undefined) return activate
  if (next.algorithm !== rules.algorithm) return [{ what: 'withdraw', kid: next.kid }, publish]
  if (!isDue(active, now, rules) || !isKnown(next, active, now)) return []
  return [{ what: 'retire', kid: active.kid }, ...activate]
}

/**
 * What is to be done with these keys now: a pure function of rows, time and settings, so whoever comes
 * after a process that died goes on from what it left.
 */
export const planMoves = (rows: readonly RingState[], now: number, rules: RingRules): readonly Move[] => [
  ...byState(rows, 'retired').flatMap(row =>
    neededUntil(row) <= now ? [{ what: 'erase', kid: row.kid } as const] : [],
  ),
  ...planSigning(rows, now, rules),
]
