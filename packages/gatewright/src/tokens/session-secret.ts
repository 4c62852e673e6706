import { createHmac } from 'node:crypto'
import { checksum, fromBase64url, sameBytes, sha256, toBase64url } from '../ground/encoding.ts'
import type { Random } from '../ground/random.ts'

/**
 * What a session cookie holds: `gws_` and, in base64url, 256 random bits ‖ checksum. Another value than
 * the session's public id, from which it does not follow.
 */
export type SessionSecret = string & { readonly brand: 'session secret' }

/** What the database keeps of it: SHA-256, which says nothing about 256 random bits. */
export type SecretHash = string & { readonly brand: 'secret hash' }

const prefix = 'gws_'
const secretBytes = 32
const checksumBytes = 4

export const newSessionSecret = (random: Random): SessionSecret => {
  const bytes = random.bytes(secretBytes)
  return (prefix + toBase64url(Buffer.concat([bytes, checksum(bytes)]))) as SessionSecret
}

/** The secret, if the text is one in form; undefined otherwise, which costs no query. */
export const parseSessionSecret = (text: string): SessionSecret | undefined => {
  if (!text.startsWith(prefix)) return undefined
  const bytes = fromBase64url(text.slice(prefix.length))
  if (bytes?.length !== secretBytes + checksumBytes) return undefined
  const isWhole = sameBytes(checksum(bytes.subarray(0, secretBytes)), bytes.subarray(secretBytes))
  return isWhole ? (text as SessionSecret) : undefined
}

/**
 * A session is found by this. Whoever times the look-up learns of hashes, from which no secret that
 * would have them can be made.
 */
export const hashSessionSecret = (secret: SessionSecret): SecretHash => sha256(secret) as SecretHash

/**
 * The CSRF token of a session: a MAC keyed by the cookie's secret, for this purpose only. It follows from
 * the secret, so nothing is stored and every new secret brings another; the secret does not follow from it.
 */
export const csrfTokenOf = (secret: SessionSecret): string =>
  createHmac('sha256', secret).update('csrf token').digest('base64url')

/** Whether `shown` is the CSRF token of this secret. Constant time. */
export const isCsrfTokenOf = (secret: SessionSecret, shown: string): boolean =>
  sameBytes(Buffer.from(csrfTokenOf(secret)), Buffer.from(shown))
