import { argon2Sync } from 'node:crypto'
import {
  createPasswordHasher,
  type PasswordHash,
  type PasswordHasher,
} from '../../packages/gatewright/src/users/password-hasher.ts'

const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

const hash = (password: string): PasswordHash => {
  const nonce = Buffer.alloc(16, 7)
  const costs = { parallelism: 1, tagLength: 32, memory: 8, passes: 1 }
  const tag = argon2Sync('argon2id', { message: password, nonce, ...costs })
  return `$argon2id$v=19$m=8,t=1,p=1$${toText(nonce)}$${toText(tag)}` as PasswordHash
}

const hashes = new Map<string, PasswordHash>()

/** Argon2id at the lowest costs that a stored hash may have: one hundredth of a real one. */
export const hashCheaply = (password: string): PasswordHash => {
  const known = hashes.get(password) ?? hash(password)
  hashes.set(password, known)
  return known
}

/** Where it is not the hashes that are tested, what is stored stays cheap. */
export const keepHashesCheap = (hasher: PasswordHasher): void => {
  Object.assign(hasher, { needsRehash: () => false })
}

/** This one hash stays as it is stored; any other is hashed again where it is weaker than today's. */
export const leaveCheap = (hasher: PasswordHasher, cheap: PasswordHash): void => {
  const { needsRehash } = hasher
  Object.assign(hasher, {
    needsRehash: (...[stored, typed]: Parameters<typeof needsRehash>) =>
      stored !== cheap && needsRehash(stored, typed),
  })
}

/**
 * The real hasher verifies, in its queue. Only what is stored is cheap, and is left so: millions of
 * sign-ins at today's costs would take weeks.
 */
export const createCheapHasher = (): PasswordHasher => ({
  ...createPasswordHasher({ threads: 4, maxWaiting: 100_000 }),
  hash: async password => hashCheaply(password),
  needsRehash: () => false,
})
