import { randomBytes } from 'node:crypto'
import { toBase64url } from './encoding.ts'

/** The source of every secret and id. */
export type Random = { readonly bytes: (count: number) => Uint8Array }

export const systemRandom: Random = { bytes: count => randomBytes(count) }

/** A public id of 128 random bits in base64url (22 characters). An id is never a secret. */
export const newId = (random: Random): string => toBase64url(random.bytes(16))

/** A secret of 256 random bits in base64url (43 characters). */
export const newSecret = (random: Random): string => toBase64url(random.bytes(32))

/** Half to all of `milliseconds`, so that many who begin together don't stay together. */
export const jitter = (random: Random, milliseconds: number): number => {
  const [byte = 0] = random.bytes(1)
  return Math.round((milliseconds * (1 + byte / 255)) / 2)
}
