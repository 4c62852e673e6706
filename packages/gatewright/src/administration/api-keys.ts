import { endApiKeys } from '../api-keys/api-keys.ts'
import { listUnended } from '../api-keys/key-rows.ts'
import { Refusal } from '../ground/refusal.ts'
import type { ApiKeyRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { holdKeyOwner } from './hold-key-owner.ts'
import type { Change, KeyDependencies } from './make-api-key.ts'

/** The key, what it was made in place of, and what was made in its place, as long as they have not ended. */
const familyOf = (rows: readonly ApiKeyRow[], id: string): readonly string[] => {
  const [key] = rows.filter(row => row.id === id)
  if (key === undefined) return []
  return rows
    .filter(row => row.id === id || row.id === key.replaced_by || row.replaced_by === id)
    .map(row => row.id)
}

/**
 * Revokes a key. One that is being replaced goes with the one in its place, and that one with it.
 * @throws Refusal `not_found` for one that is not the owner's or has ended, and as {@link holdKeyOwner}
 */
export const revokeApiKey = (
  dependencies: KeyDependencies,
  { keyId, ...change }: Change & { readonly keyId: string },
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await holdKeyOwner(dependencies, work, change)
    const only = familyOf(await listUnended(work, change.ownerId), keyId)
    if (only.length === 0) throw new Refusal('not_found', { detail: 'This API key has ended already.' })
    const { ownerId: userId, origin } = change
    await endApiKeys(dependencies, work, { userId, only }, { reason: 'revoked', origin })
  })
