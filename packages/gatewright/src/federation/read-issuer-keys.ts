import type { TrustedIssuer } from '../ground/trusted-issuers.ts'
import { type IssuerKey, toIssuerKey } from '../tokens/issuer-key.ts'
import { type Asking, getIssuerJson, IssuerError, type Resolve } from './get-issuer-json.ts'

export type KeySet = ReadonlyMap<string, IssuerKey>

const mostKeys = 100

const toMembers = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/** OpenID Connect Discovery §4.1: behind the whole issuer, which ends with a slash or does not. */
const discoveryOf = (issuer: string): URL =>
  new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)

/**
 * Where the issuer says that its keys are: on its own address only. Another must be written in the setting, so that
 * nobody else decides what this server asks.
 */
const discover = async (issuer: string, asking: Asking): Promise<URL> => {
  const metadata = toMembers(await getIssuerJson(discoveryOf(issuer), asking))
  if (metadata.issuer !== issuer) throw new IssuerError('its metadata is that of another issuer')
  const url = typeof metadata.jwks_uri === 'string' ? URL.parse(metadata.jwks_uri) : null
  if (url === null || url.username !== '' || url.password !== '')
    throw new IssuerError('its metadata names no key set')
  if (url.origin !== new URL(issuer).origin)
    throw new IssuerError('its keys are on another address than itself: write that as jwks_uri')
  return url
}

const toKeySet = async (value: unknown, { algorithms }: TrustedIssuer): Promise<KeySet> => {
  const { keys } = toMembers(value)
  if (!Array.isArray(keys) || keys.length > mostKeys) throw new IssuerError('its key set is not one')
  const found = await Promise.all(keys.map(jwk => toIssuerKey(toMembers(jwk), algorithms)))
  const known = found.filter(key => key !== undefined)
  if (known.length === 0) throw new IssuerError('its key set has no key that is taken')
  const byId = new Map(known.map(key => [key.kid, key]))
  if (byId.size < known.length) throw new IssuerError('its key set has two keys of one id')
  return byId
}

/** The keys that an issuer publishes, of those algorithms that are taken. @throws IssuerError */
export const readIssuerKeys = async (
  entry: TrustedIssuer,
  { resolve, signal }: { readonly resolve: Resolve; readonly signal: AbortSignal },
): Promise<KeySet> => {
  const asking = { resolve, signal, allowsPrivate: entry.allowsPrivateAddresses }
  const url = entry.jwksUri === undefined ? await discover(entry.issuer, asking) : new URL(entry.jwksUri)
  return toKeySet(await getIssuerJson(url, asking), entry)
}
