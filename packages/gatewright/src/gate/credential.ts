import { Refusal } from '../ground/refusal.ts'

/** Where a credential may stand in a request: one table, read by every door. Names in lower case. */
export type CredentialPlaces = {
  /** The header of access tokens, and the scheme before them. */
  readonly token: { readonly header: string; readonly scheme: string }
  readonly apiKey: { readonly header: string }
}

export type Credential = { readonly kind: 'access-token' | 'api-key' | 'other'; readonly text: string }

/** All values of the headers named, as they arrived: Node.js keeps only one of some. */
const valuesOf = (rawHeaders: readonly string[], name: string): readonly string[] =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** Only spaces part a scheme from its token (RFC 9110 §11.4): what `trim` takes away besides is none. */
const toTokenCredential = (value: string, scheme: string): Credential => {
  const space = value.indexOf(' ')
  const isScheme = space > 0 && value.slice(0, space).toLowerCase() === scheme
  let start = space + 1
  while (value[start] === ' ') start += 1
  return { kind: isScheme ? 'access-token' : 'other', text: value.slice(start) }
}

/**
 * The one credential of a request, or undefined. A credential header that is there but wrong is still a
 * credential: it is refused later and never falls back to "nobody".
 * @throws Refusal `several_credentials` for two kinds, or one header twice
 */
export const readCredential = (
  rawHeaders: readonly string[],
  places: CredentialPlaces,
): Credential | undefined => {
  const tokens = valuesOf(rawHeaders, places.token.header)
  const keys = valuesOf(rawHeaders, places.apiKey.header)
  if (tokens.length + keys.length > 1) throw new Refusal('several_credentials')
  if (tokens[0] !== undefined) return toTokenCredential(tokens[0], places.token.scheme)
  return keys[0] === undefined ? undefined : { kind: 'api-key', text: keys[0] }
}
