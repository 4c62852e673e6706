import { newApiKey } from '../../packages/gatewright/src/tokens/api-key.ts'
import type { TestApp } from '../harness.ts'

export type Given = {
  /** Every one that there is without a word. */
  readonly permissions?: readonly string[]
  readonly allowedAddresses?: readonly string[]
  readonly expiresAt?: number | null
  readonly name?: string
  /** Whoever made it had shown a second factor. */
  readonly hasFactor?: boolean
}

/** Writes an API key into the database as it stands there once it was made, for as much as anybody may be given. */
export const giveKeyWithId = async (
  { engine }: Pick<TestApp, 'engine'>,
  ownerId: string,
  { permissions, allowedAddresses = [], expiresAt = null, name = 'given', hasFactor = true }: Given = {},
): Promise<{ readonly id: string; readonly key: string }> => {
  const { key, id, hash } = newApiKey(engine.random)
  await engine.db
    .insertInto('api_keys')
    .values({
      id,
      user_id: ownerId,
      name,
      secret_hash: hash,
      permissions: (permissions ?? [...engine.roleTable.permissions.keys()]).join(' '),
      allowed_addresses: allowedAddresses.join(' '),
      address: '',
      created_at: engine.clock.now(),
      expires_at: expiresAt,
      has_factor: hasFactor ? 1 : 0,
    })
    .execute()
  return { id, key }
}

export const giveKey = async (t: Pick<TestApp, 'engine'>, ownerId: string, given?: Given): Promise<string> =>
  (await giveKeyWithId(t, ownerId, given)).key
