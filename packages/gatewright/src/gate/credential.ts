import type { CredentialKind } from '../ground/credential-settings.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Settings } from '../ground/settings.ts'
import { type DeviceSecret, parseDeviceSecret } from '../tokens/device-secret.ts'
import { valuesOf } from './raw-headers.ts'

/** Where a credential may stand in a request, and which kinds are taken: one table, read by every door. */
export type CredentialPlaces = {
  /** What else is shown on purpose, in a header, is refused; a cookie of no use is not read. */
  readonly accepted: ReadonlySet<CredentialKind>
  /** The header of access tokens, and the scheme before them. */
  readonly token: HeaderPlace & { readonly scheme: string }
  readonly apiKey: HeaderPlace
  readonly cookie: CookiePlace
  /** Of the cookie by which a browser is known again: no credential, and read whatever is accepted. */
  readonly device: CookiePlace
  /** The scheme that a 401 names. One is a must (RFC 9110 §15.5.2); for a cookie there is no registered one. */
  readonly challenge: string
}

/** The name of a header, in lower case, and as it is written in documents. */
export type HeaderPlace = { readonly header: string; readonly name: string }

/** A cookie that is read and set. */
export type CookiePlace = { readonly name: string; readonly isSecure: boolean }

export type Credential = {
  readonly kind: CredentialKind | 'other'
  readonly text: string
}

/**
 * A browser takes a cookie named `__Host-…` only over TLS, for the whole host, and from that host itself,
 * so no sibling and no plain connection can plant one. Plain HTTP, which means this machine, can't have
 * one. The other name is never read, so that the weaker one is worth nothing where the stronger is used.
 */
const cookiePlaceOf = (publicUrl: string, name: string): CookiePlace =>
  publicUrl.startsWith('https:') ? { name: `__Host-${name}`, isSecure: true } : { name, isSecure: false }

const toHeaderPlace = (name: string): HeaderPlace => ({ header: name.toLowerCase(), name })

type CredentialSettings = Pick<Settings, 'credentials' | 'tokenHeader' | 'tokenScheme' | 'apiKeyHeader'>

export const credentialPlacesOf = (settings: CredentialSettings, publicUrl: string): CredentialPlaces => {
  const { tokenScheme } = settings
  const accepted = new Set(settings.credentials)
  return {
    accepted,
    token: { ...toHeaderPlace(settings.tokenHeader), scheme: tokenScheme.toLowerCase() },
    apiKey: toHeaderPlace(settings.apiKeyHeader),
    cookie: cookiePlaceOf(publicUrl, 'gw_session'),
    device: cookiePlaceOf(publicUrl, 'gw_device'),
    challenge: accepted.has('bearer') ? tokenScheme : 'Cookie',
  }
}

/** Names of the request headers that say who asks, as documents and other headers name them. */
export const credentialHeaders = ({ accepted, token, apiKey }: CredentialPlaces): readonly string[] => [
  token.name,
  ...(accepted.has('cookie') ? ['Cookie'] : []),
  apiKey.name,
]

/** Only spaces part a scheme from its token (RFC 9110 §11.4): what `trim` takes away besides is none. */
const toTokenCredential = (value: string, scheme: string): Credential => {
  const space = value.indexOf(' ')
  const isScheme = space > 0 && value.slice(0, space).toLowerCase() === scheme
  let start = space + 1
  while (value[start] === ' ') start += 1
  return { kind: isScheme ? 'bearer' : 'other', text: value.slice(start) }
}

/**
 * The values of the cookies of exactly this name. Only spaces are cut off (RFC 6265 §5.4 writes one): a
 * name behind another kind of blank is another name, which whoever can't set this one may have set.
 */
const cookiesNamed = (header: string, name: string): readonly string[] =>
  header
    .split(';')
    .map(pair => pair.replace(/^ +/, ''))
    .filter(pair => pair.startsWith(`${name}=`))
    .map(pair => pair.slice(name.length + 1))

/** Two such cookies, or two headers of cookies, are no one cookie. */
const findCookies = (rawHeaders: readonly string[], name: string) => {
  const headers = valuesOf(rawHeaders, 'cookie')
  const cookies = headers.flatMap(header => cookiesNamed(header, name))
  return { text: cookies[0], areSeveral: headers.length > 1 || cookies.length > 1 }
}

/** @throws Refusal `several_credentials` */
const readCookie = (rawHeaders: readonly string[], name: string): Credential | undefined => {
  const { text, areSeveral } = findCookies(rawHeaders, name)
  if (areSeveral) throw new Refusal('several_credentials')
  return text === undefined ? undefined : { kind: 'cookie', text }
}

/** The secret that the browser is known by, if it is whole in form: several are none. */
export const readDeviceSecret = (
  rawHeaders: readonly string[],
  { device }: CredentialPlaces,
): DeviceSecret | undefined => {
  const { text, areSeveral } = findCookies(rawHeaders, device.name)
  return text === undefined || areSeveral ? undefined : parseDeviceSecret(text)
}

/**
 * The one credential of a request, or undefined. A credential header that is there but wrong is still a
 * credential: it is refused later and never falls back to the cookie, which is not even read beside it,
 * nor to "nobody".
 * @throws Refusal `several_credentials` for two kinds of header, one header twice, or two session cookies
 */
export const readCredential = (
  rawHeaders: readonly string[],
  places: CredentialPlaces,
): Credential | undefined => {
  const tokens = valuesOf(rawHeaders, places.token.header)
  const keys = valuesOf(rawHeaders, places.apiKey.header)
  if (tokens.length + keys.length > 1) throw new Refusal('several_credentials')
  if (tokens[0] !== undefined) return toTokenCredential(tokens[0], places.token.scheme)
  if (keys[0] !== undefined) return { kind: 'api-key', text: keys[0] }
  return places.accepted.has('cookie') ? readCookie(rawHeaders, places.cookie.name) : undefined
}
