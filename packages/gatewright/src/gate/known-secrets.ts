import type { SecretHash } from '../tokens/session-secret.ts'

/** Hashes of cookies that this process has found in the database, a bounded number of them. */
export type KnownSecrets = {
  readonly has: (hash: SecretHash) => boolean
  readonly add: (hash: SecretHash) => void
}

/** The one longest in goes first. It says nothing of whether a session lives. */
export const createKnownSecrets = (capacity = 10_000): KnownSecrets => {
  const hashes = new Set<SecretHash>()
  return {
    has: hash => hashes.has(hash),
    add: hash => {
      if (hashes.has(hash)) return
      if (hashes.size >= capacity) hashes.delete(hashes.values().next().value as SecretHash)
      hashes.add(hash)
    },
  }
}
