import type { Password } from './password.ts'

/** A stored hash that could be read and asks for no more than it may. */
export type ReadHash = {
  /** Computes the hash once, here and now, and compares in constant time: for a thread of its own. */
  readonly verify: (password: Password) => boolean
  /** Whether a hash made today would be better, and of this very password. */
  readonly needsRehash: (password: Password) => boolean
}

/** One way to write a hash. What it can't read, or asks for too much, is undefined and opens nothing. */
export type HashFormat = {
  readonly name: string
  readonly read: (stored: string) => ReadHash | undefined
}
