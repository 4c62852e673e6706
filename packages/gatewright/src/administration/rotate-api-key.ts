import { endApiKeys } from '../api-keys/api-keys.ts'
import { listUnended, stateOf } from '../api-keys/key-rows.ts'
import { toList } from '../api-keys/known-keys.ts'
import { recordEvent } from '../audit/record.ts'
import { type Clock, day, lastTimestamp } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import type { ApiKeyRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import {
  type Change,
  detailsOf,
  holdMaker,
  type KeyDependencies,
  type MadeKey,
  type NewKey,
  writeKey,
} from './make-api-key.ts'

/** How long a key goes on beside the one in its place at most, and without a word. */
export const longestOverlap = 7 * day
export const usualOverlap = day

const findLive = (
  { clock }: { readonly clock: Clock },
  rows: readonly ApiKeyRow[],
  id: string,
): ApiKeyRow => {
  const key = rows.find(row => row.id === id)
  const state = key && stateOf(key, clock.now())
  if (key === undefined || state === 'expired') throw new Refusal('not_found')
  if (state === 'live') return key
  throw new Refusal('conflict', {
    reason: 'key_replaced',
    detail: 'Another key was made in the place of this one already.',
  })
}

/** The same in everything, for as long again, and no more than whoever rotates may give at this moment. */
const toNewKey = (
  { clock }: { readonly clock: Clock },
  old: ApiKeyRow,
  permissions: ReadonlySet<string>,
): NewKey => ({
  name: old.name,
  permissions: toList(old.permissions).filter(permission => permissions.has(permission)),
  allowedAddresses: toList(old.allowed_addresses),
  expiresAt:
    old.expires_at === null ? null : Math.min(clock.now() + old.expires_at - old.created_at, lastTimestamp),
})

/** Whoever knows the old key by heart reads it again: it ends sooner now. */
const dropFromMemory = (dependencies: KeyDependencies, work: Work, ownerId: string): Promise<void> =>
  recordCutOffs(dependencies, work, [{ kind: 'reread-user', subject: ownerId, promisedUntil: 0 }])

type Succession = { readonly old: ApiKeyRow; readonly successor: ApiKeyRow; readonly overlap: number }

/** Never later than it would have ended by itself. */
const endLater = async (
  dependencies: KeyDependencies,
  work: Work,
  { old, successor, overlap }: Succession,
): Promise<number> => {
  const end = Math.min(old.expires_at ?? Number.POSITIVE_INFINITY, dependencies.clock.now() + overlap)
  await work.db
    .updateTable('api_keys')
    .set({ expires_at: end, replaced_by: successor.id })
    .where('id', '=', old.id)
    .where('ended_at', 'is', null)
    .execute()
  await dropFromMemory(dependencies, work, old.user_id)
  return end
}

/**
 * Makes a key in the place of another, which goes on for the overlap. One that was replaced by this one before, and
 * goes on still, ends: of one key there are never more than two.
 * @returns the new key, and when the old one ends
 * @throws Refusal `not_found`, `conflict` for one that was replaced already, and as {@link makeApiKey}
 */
export const rotateApiKey = (
  dependencies: KeyDependencies,
  { keyId, overlap, ...change }: Change & { readonly keyId: string; readonly overlap: number },
): Promise<MadeKey & { readonly oldEndsAt: number }> =>
  inTransaction(dependencies.db, async work => {
    const held = await holdMaker(dependencies, work, change)
    const rows = await listUnended(work, change.ownerId)
    const old = findLive(dependencies, rows, keyId)
    const { ownerId: userId, origin } = change
    const made = await writeKey(
      dependencies,
      work,
      change,
      held,
      toNewKey(dependencies, old, held.giving.permissions),
    )
    const oldEndsAt = await endLater(dependencies, work, { old, successor: made.row, overlap })
    const only = [
      ...rows.filter(row => row.replaced_by === keyId).map(row => row.id),
      ...(overlap === 0 ? [keyId] : []),
    ]
    await endApiKeys(dependencies, work, { userId, only }, { reason: 'rotated', origin })
    const details = { ...detailsOf(made.row), replaces: keyId, replaced_ends_at: oldEndsAt }
    await recordEvent(dependencies, work, 'api-key.rotated', { origin, userId, details })
    return { ...made, oldEndsAt }
  })
