import { sha256 } from '../ground/encoding.ts'

/**
 * Hashes of cookies and tokens that are ours: this process gave them, or found them in the database. A bounded number,
 * and nothing is said of whether their sessions live still.
 */
export type KnownSecrets = {
  readonly has: (hash: string) => boolean
  readonly add: (hash: string) => void
}

/** Of a credential, as it was given. */
export const hashText = sha256

/** The one longest unused goes first, so those in use stay, however many others are shown. */
export const createKnownSecrets = (capacity = 10_000): KnownSecrets => {
  const hashes = new Set<string>()
  return {
    has: hash => hashes.has(hash),
    add: hash => {
      hashes.delete(hash)
      if (hashes.size >= capacity) hashes.delete(hashes.values().next().value as string)
      hashes.add(hash)
    },
  }
}
