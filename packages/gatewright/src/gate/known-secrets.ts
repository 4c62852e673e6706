import type { SecretHash } from '../tokens/cookie-secret.ts'

/**
 * Hashes of cookies that are ours: this process gave them, or found them in the database. A bounded number,
 * and nothing is said of whether their sessions live still.
 */
export type KnownSecrets = {
  readonly has: (hash: SecretHash) => boolean
  readonly add: (hash: SecretHash) => void
}

/** The one longest unused goes first, so those in use stay, however many others are shown. */
export const createKnownSecrets = (capacity = 10_000): KnownSecrets => {
  const hashes = new Set<SecretHash>()
  return {
    has: hash => hashes.has(hash),
    add: hash => {
      hashes.delete(hash)
      if (hashes.size >= capacity) hashes.delete(hashes.values().next().value as SecretHash)
      hashes.add(hash)
    },
  }
}
