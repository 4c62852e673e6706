import type { SecretHash } from '../tokens/session-secret.ts'

/** Hashes of cookies that this process has found in the database, and live, a bounded number of them. */
export type KnownSecrets = {
  readonly has: (hash: SecretHash) => boolean
  readonly add: (hash: SecretHash) => void
  readonly remove: (hash: SecretHash) => void
}

/** The one longest in goes first. It does not say that the session lives still. */
export const createKnownSecrets = (capacity = 10_000): KnownSecrets => {
  const hashes = new Set<SecretHash>()
  return {
    has: hash => hashes.has(hash),
    add: hash => {
      if (hashes.has(hash)) return
      if (hashes.size >= capacity) hashes.delete(hashes.values().next().value as SecretHash)
      hashes.add(hash)
    },
    remove: hash => void hashes.delete(hash),
  }
}
