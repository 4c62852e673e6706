import { checksum, fromBase64url, sameBytes, sha256, toBase64url } from '../ground/encoding.ts'
import type { Random } from '../ground/random.ts'

/** What the database keeps of a secret: SHA-256, which says nothing about 256 random bits. */
export type SecretHash = string & { readonly brand: 'secret hash' }

const secretBytes = 32
const checksumBytes = 4

/** A prefix and, in base64url, 256 random bits ‖ checksum. */
export const newCookieSecret = (prefix: string, random: Random): string => {
  const bytes = random.bytes(secretBytes)
  return prefix + toBase64url(Buffer.concat([bytes, checksum(bytes)]))
}

/** Whether the text is one in form, which costs no query. */
export const isCookieSecret = (prefix: string, text: string): boolean => {
  if (!text.startsWith(prefix)) return false
  const bytes = fromBase64url(text.slice(prefix.length))
  if (bytes?.length !== secretBytes + checksumBytes) return false
  return sameBytes(checksum(bytes.subarray(0, secretBytes)), bytes.subarray(secretBytes))
}

/**
 * A row is found by this. Whoever times the look-up learns of hashes, from which no secret that would have
 * them can be made.
 */
export const hashCookieSecret = (secret: string): SecretHash => sha256(secret) as SecretHash
