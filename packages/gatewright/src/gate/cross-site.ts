import { Refusal } from '../ground/refusal.ts'
import { isCsrfTokenOf } from '../tokens/session-secret.ts'
import type { Passage } from './passage.ts'
import { valuesOf } from './raw-headers.ts'

/** Where requests with a cookie may come from: the own origin, and those listed for it. */
export type Origins = { readonly own: string; readonly listed: ReadonlySet<string> }

const safeMethods = ['GET', 'HEAD', 'OPTIONS', 'TRACE']

/** Whether a method only reads (RFC 9110 §9.2.1). No route may change anything by one. */
export const isSafe = (method: string): boolean => safeMethods.includes(method)

/**
 * What the browser says of where a request comes from. `Origin` decides where there is one, and
 * `Sec-Fetch-Site` must not contradict the own one; a sibling host is a stranger unless it is listed.
 * Without both this is no browser: then nobody's cookie can be ridden on, and none is taken.
 */
const comesFromHere = (origins: Origins, rawHeaders: readonly string[], carriesCookie: boolean): boolean => {
  const [origin, ...furtherOrigins] = valuesOf(rawHeaders, 'origin')
  const [site, ...furtherSites] = valuesOf(rawHeaders, 'sec-fetch-site')
  if (furtherOrigins.length + furtherSites.length > 0) return false
  if (origin === undefined && site === undefined) return !carriesCookie
  if (origin !== undefined && origins.listed.has(origin)) return true
  return (origin ?? origins.own) === origins.own && (site ?? 'same-origin') === 'same-origin'
}

/** Whether a browser may be given a cookie for this: a page of another site has not sent it. */
export const mayBeGivenCookie = (
  { origins }: { readonly origins: Origins },
  { rawHeaders }: Passage,
): boolean => comesFromHere(origins, rawHeaders, false)

const hasCsrfToken = ({ cookie, rawHeaders }: Passage): boolean => {
  const [shown, ...further] = valuesOf(rawHeaders, 'x-csrf-token')
  return cookie !== undefined && shown !== undefined && further.length === 0 && isCsrfTokenOf(cookie, shown)
}

/**
 * Refuses what another website made a browser send: an unsafe method that carries the session cookie or
 * can set one must come from here, and one that the cookie authenticates must also show the session's
 * CSRF token, whatever its headers say. Asks no database.
 * @throws Refusal `csrf_failed`
 */
export const checkCrossSite = ({ origins }: { readonly origins: Origins }, passage: Passage): void => {
  const { method, rule, rawHeaders, credential } = passage
  if (isSafe(method)) return
  const carriesCookie = credential?.kind === 'cookie'
  if (!carriesCookie && rule.gives !== 'cookie' && rule.gives !== 'either') return
  if (!comesFromHere(origins, rawHeaders, carriesCookie))
    throw new Refusal('csrf_failed', { reason: 'origin' })
  if (carriesCookie && rule.ignoresCookie !== true && !hasCsrfToken(passage))
    throw new Refusal('csrf_failed', { reason: 'csrf_token' })
}
