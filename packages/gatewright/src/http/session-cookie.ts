import type { FastifyReply } from 'fastify'
import type { Engine } from '../compose.ts'
import type { CookiePlace } from '../gate/credential.ts'
import { second } from '../ground/clock.ts'
import { endOf, timesOf } from '../sessions/session-times.ts'
import type { TokenPair } from '../sessions/session-tokens.ts'
import type { LiveSession } from '../sessions/sessions.ts'
import { csrfTokenOf, hashSessionSecret } from '../tokens/session-secret.ts'
import { anyText, named, strictObject, tokenPair } from './schemas.ts'
import { givePair } from './token-pair.ts'

/** No Domain, so no other host gets it; no script reads it; another site's forms don't send it. */
export const toSetCookie = (
  { name, isSecure }: CookiePlace,
  { value, maxAge, sameSite = 'Lax' }: { value: string; maxAge: number; sameSite?: 'Lax' | 'Strict' },
): string =>
  `${name}=${value}; Path=/; Max-Age=${maxAge}; ${isSecure ? 'Secure; ' : ''}HttpOnly; SameSite=${sameSite}`

/** Takes the session cookie from the browser. */
export const clearSessionCookie = ({ places }: Pick<Engine, 'places'>, reply: FastifyReply): void => {
  reply.header('set-cookie', toSetCookie(places.cookie, { value: '', maxAge: 0 }))
}

export const csrfAnswer = named('CsrfToken', strictObject({ csrf_token: anyText }))
/** A CSRF token for examples. */
export const csrfExample = { csrf_token: 'the CSRF token of the session' } as const

/**
 * Gives the browser the cookie of a session, and the page its CSRF token. The browser forgets the cookie
 * at the session's absolute end; whether the session lives is never asked of the browser. From now on the secret is known here.
 */
export const giveSessionCookie = (
  engine: Pick<Engine, 'places' | 'clock' | 'knownSecrets' | 'settings' | 'roleTable'>,
  reply: FastifyReply,
  { session, roles, secret }: LiveSession,
): { readonly csrf_token: string } => {
  if (secret === undefined) throw new TypeError('a cookie is given when its secret is made')
  const { places, clock, knownSecrets } = engine
  if (!places.accepted.has('cookie')) throw new TypeError('this server gives no session cookies')
  const maxAge = Math.floor((endOf(session, timesOf(engine, roles)) - clock.now()) / second)
  knownSecrets.add(hashSessionSecret(secret))
  reply.header('set-cookie', toSetCookie(places.cookie, { value: secret, maxAge }))
  return { csrf_token: csrfTokenOf(secret) }
}

/** What the holder of a session gets with a new id. */
export const renewedAnswer = { anyOf: [tokenPair, csrfAnswer] } as const

/** The replacement that `renew` makes, in the form in which the caller holds its session: a pair, or a cookie. */
export const answerRenewed = async (
  engine: Engine,
  reply: FastifyReply,
  renew: () => Promise<LiveSession>,
): Promise<TokenPair | { readonly csrf_token: string }> =>
  reply.request.passage?.cookie === undefined
    ? givePair(engine, renew)
    : giveSessionCookie(engine, reply, await renew())
