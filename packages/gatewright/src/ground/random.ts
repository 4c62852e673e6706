import { randomBytes } from 'node:crypto'
import { toBase64url } from './encoding.ts'

/** The source of every secret and id. */
export type Random = { readonly bytes: (count: number) => Uint8Array }

/** How much is fetched from the system at once: a call for each id would cost more than the id. */
const portion = 4_096
let fetched = randomBytes(portion)
let used = 0

/** What was given out is wiped here: a value has one owner. */
const takeBytes = (count: number): Uint8Array => {
  if (count > portion) return randomBytes(count)
  if (used + count > portion) {
    fetched = randomBytes(portion)
    used = 0
  }
  const part = fetched.subarray(used, used + count)
  used += count
  const bytes = Uint8Array.from(part)
  part.fill(0)
  return bytes
}

export const systemRandom: Random = { bytes: takeBytes }

/** A public id of 128 random bits in base64url (22 characters). An id is never a secret. */
export const newId = (random: Random): string => toBase64url(random.bytes(16))

/** How many ids of requests are made at once. */
const idsAtOnce = 256

/**
 * Makes ids for requests: as random as {@link newId}, and cheaper, for each request has one and few are read.
 *
 *     const nextId = createRequestIds(systemRandom)
 *     nextId() // 22 characters of base64url
 */
export const createRequestIds = (random: Random): (() => string) => {
  let text = ''
  let at = 0
  return () => {
    if (at === text.length) {
      text = toBase64url(random.bytes((idsAtOnce * 66) / 4))
      at = 0
    }
    at += 22
    return text.slice(at - 22, at)
  }
}

/** A secret of 256 random bits in base64url (43 characters). */
export const newSecret = (random: Random): string => toBase64url(random.bytes(32))

/** Half to all of `milliseconds`, so that many who begin together don't stay together. */
export const jitter = (random: Random, milliseconds: number): number => {
  const [byte = 0] = random.bytes(1)
  return Math.round((milliseconds * (1 + byte / 255)) / 2)
}
