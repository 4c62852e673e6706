import { createHmac } from 'node:crypto'
import { sameBytes } from '../ground/encoding.ts'
import type { Random } from '../ground/random.ts'
import { hashCookieSecret, isCookieSecret, newCookieSecret, type SecretHash } from './cookie-secret.ts'

/**
 * What a session cookie holds: `gws_` and, in base64url, 256 random bits ‖ checksum. Another value than
 * the session's public id, from which it does not follow.
 */
export type SessionSecret = string & { readonly brand: 'session secret' }

const prefix = 'gws_'

export const newSessionSecret = (random: Random): SessionSecret =>
  newCookieSecret(prefix, random) as SessionSecret

/** The secret, if the text is one in form; undefined otherwise, which costs no query. */
export const parseSessionSecret = (text: string): SessionSecret | undefined =>
  isCookieSecret(prefix, text) ? (text as SessionSecret) : undefined

export const hashSessionSecret = (secret: SessionSecret): SecretHash => hashCookieSecret(secret)

/**
 * The CSRF token of a session: a MAC keyed by the cookie's secret, for this purpose only. It follows from
 * the secret, so nothing is stored and every new secret brings another; the secret does not follow from it.
 */
export const csrfTokenOf = (secret: SessionSecret): string =>
  createHmac('sha256', secret).update('csrf token').digest('base64url')

/** Whether `shown` is the CSRF token of this secret. Constant time. */
export const isCsrfTokenOf = (secret: SessionSecret, shown: string): boolean =>
  sameBytes(Buffer.from(csrfTokenOf(secret)), Buffer.from(shown))
