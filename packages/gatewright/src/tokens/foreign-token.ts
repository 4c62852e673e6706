import { compactVerify } from 'jose'
import { fromBase64url } from '../ground/encoding.ts'
import { toForeignId } from '../ground/foreign-id.ts'
import { JsonError, parseJsonBytes } from '../ground/json.ts'
import { Refusal } from '../ground/refusal.ts'
import { isLikeIdTokens, issuerTypes, type TrustedIssuer } from '../ground/trusted-issuers.ts'
import type { IssuerKey } from './issuer-key.ts'

/** What an access token of another issuer says, once its signature was found good. Frozen; milliseconds. */
export type ForeignToken = {
  readonly issuer: string
  readonly subject: string
  /** Stands for issuer and subject together; no user's id. */
  readonly foreignId: string
  /** Whose place it has among the tokens that are remembered. */
  readonly sessionId: string
  readonly key: IssuerKey
  readonly audience: readonly string[]
  readonly clientId: string | undefined
  /** With the leeway of its issuer. */
  readonly expiresAt: number
  readonly notBefore: number
  /** Theirs, as the token names them: those of each claim that its issuer's entry names, in that order. */
  readonly permissions: readonly (readonly string[])[]
}

type Members = Readonly<Record<string, unknown>>

const maximumLength = 8_192
/** Those by which some name the key once more; nothing is looked up by `x5t`. */
const headerMembers = ['alg', 'typ', 'kid', 'x5t', 'x5t#S256']
/** Where the client may stand: RFC 9068, Auth0 and Microsoft, Okta, Microsoft before. */
const clientClaims = ['client_id', 'azp', 'cid', 'appid'] as const
/**
 * Claims that an access token never has: those of ID tokens (OpenID Connect), of logout tokens and other security
 * events, and one that binds it to a key, whose proof is not looked at here: a stolen one would be good.
 */
const refusedClaims = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'cnf']
const mostPermissions = 1_000

const invalid = (reason: string): Refusal => new Refusal('invalid_token', { reason: `foreign_${reason}` })

const decode = (part: string): Buffer => {
  const bytes = fromBase64url(part)
  if (bytes === undefined) throw invalid('encoding')
  return bytes
}

const parsePart = (bytes: Buffer): Members => {
  try {
    const value = parseJsonBytes(bytes)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  } catch (error) {
    throw error instanceof JsonError ? invalid(`json_${error.reason}`) : error
  }
  throw invalid('json_object')
}

/**
 * Who a token says has issued it, which is not proven: it only decides by whose keys and rules it is judged.
 * Undefined for what is no token.
 */
export const peekIssuer = (text: string): string | undefined => {
  const [, body = '', , ...rest] = text.length > maximumLength ? [] : text.split('.')
  const bytes = rest.length === 0 ? fromBase64url(body) : undefined
  if (bytes === undefined || bytes.length === 0) return undefined
  try {
    const { iss } = parsePart(bytes)
    return typeof iss === 'string' ? iss : undefined
  } catch {
    return undefined
  }
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 1_000
const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && Number.isSafeInteger(Math.ceil(value * 1_000))

/** RFC 7519 §2: NumericDate may have a fraction. What is long or odd is none. */
const toTime = (claims: Members, name: string): number => {
  const value = claims[name]
  if (!isSeconds(value)) throw invalid(`claim_${name}`)
  return Math.floor(value * 1_000)
}

const toAudience = ({ aud }: Members): readonly string[] => {
  if (aud === undefined) return []
  const list = Array.isArray(aud) ? aud : [aud]
  if (list.length === 0 || list.length > 100 || !list.every(isText)) throw invalid('claim_aud')
  return list
}

/** The claim that lists permissions: words with spaces between, or a list of them; undefined where it is absent. */
const findPermissions = (claims: Members, path: readonly string[]): readonly string[] | undefined => {
  let value: unknown = claims
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid('claim_permissions')
    value = Object.hasOwn(value, name) ? (value as Members)[name] : undefined
    if (value === undefined) return undefined
  }
  if (typeof value === 'string') return value.split(' ').filter(word => word !== '')
  if (
    !Array.isArray(value) ||
    value.length > mostPermissions ||
    !value.every(part => typeof part === 'string')
  )
    throw invalid('claim_permissions')
  return value
}

/** Without any, a token may do nothing; where nothing else tells that it is no ID token, it is none of an API. */
const toPermissions = (claims: Members, issuer: TrustedIssuer): readonly (readonly string[])[] => {
  const found = issuer.permissions.map(({ from }) => findPermissions(claims, from))
  const isTold = found.some(each => each !== undefined) || Object.keys(issuer.requiredClaims).length > 0
  if (isLikeIdTokens(issuer) && !isTold) throw invalid('claim_permissions')
  return found.map(each => Object.freeze(each ?? []))
}

const checkTimes = (claims: Members, issuer: TrustedIssuer, now: number) => {
  const [issuedAt, expiry] = [toTime(claims, 'iat'), toTime(claims, 'exp')]
  const notBefore = claims.nbf === undefined ? issuedAt : toTime(claims, 'nbf')
  if (issuedAt > now + issuer.leeway) throw invalid('issued_in_future')
  // With the line above: no longer from now on, either.
  if (expiry - issuedAt > issuer.longestLifetime) throw invalid('lives_too_long')
  return { expiresAt: expiry + issuer.leeway, notBefore: notBefore - issuer.leeway }
}

const checkHeader = (header: Members, { type }: TrustedIssuer): void => {
  if (Object.keys(header).some(name => !headerMembers.includes(name))) throw invalid('header')
  const types: readonly (string | undefined)[] = issuerTypes[type]
  // RFC 7515 §4.1.9: media types, in which case means nothing.
  const typ = typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ
  if (!types.some(one => one?.toLowerCase() === typ)) throw invalid('type')
}

const checkRequired = (claims: Members, { requiredClaims }: TrustedIssuer): void => {
  for (const [name, values] of Object.entries(requiredClaims)) {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    if (typeof value !== 'string' || !values.includes(value)) throw invalid('required_claim')
  }
}

const clientOf = (claims: Members): string | undefined => clientClaims.map(name => claims[name]).find(isText)

const toForeignToken = (
  claims: Members,
  key: IssuerKey,
  issuer: TrustedIssuer,
  now: number,
): ForeignToken => {
  if (claims.iss !== issuer.issuer) throw invalid('issuer')
  const subject = Object.hasOwn(claims, issuer.subjectFrom) ? claims[issuer.subjectFrom] : undefined
  if (!isText(subject)) throw invalid('claim_sub')
  if (refusedClaims.some(name => Object.hasOwn(claims, name))) throw invalid('claim_refused')
  checkRequired(claims, issuer)
  const foreignId = toForeignId(issuer.issuer, subject)
  return Object.freeze({
    issuer: issuer.issuer,
    subject,
    foreignId,
    sessionId: foreignId,
    key,
    audience: Object.freeze(toAudience(claims)),
    clientId: clientOf(claims),
    ...checkTimes(claims, issuer, now),
    permissions: Object.freeze(toPermissions(claims, issuer)),
  })
}

type Judging = {
  readonly issuer: TrustedIssuer
  readonly findKey: (kid: string) => Promise<IssuerKey | undefined>
  readonly now: () => number
}

/**
 * An access token of another issuer (RFC 9068, and what others write): its form, its key, its signature, and then
 * its claims. Trusts nothing in it but the `kid`, by which it finds a key of this very issuer; the key knows its one
 * algorithm. A header with any other member is refused, so `crit`, `jwk`, `jku`, `x5u` and `x5c` are. Audience,
 * expiry and whatever can change are asked at each request (`checkForeignToken`).
 * @throws Refusal `invalid_token`
 */
export const verifyForeignToken = async (
  text: string,
  { issuer, findKey, now }: Judging,
): Promise<ForeignToken> => {
  if (text.length > maximumLength) throw invalid('too_long')
  const parts = text.split('.')
  if (parts.length !== 3) throw invalid('parts')
  const [head, body] = parts.map(decode) as [Buffer, Buffer, Buffer]
  const header = parsePart(head)
  checkHeader(header, issuer)
  if (!isText(header.kid)) throw invalid('key')
  const key = await findKey(header.kid)
  if (key === undefined) throw invalid('key')
  if (header.alg !== key.algorithm) throw invalid('algorithm')
  await compactVerify(text, key.publicKey, { algorithms: [key.algorithm] }).catch(() => {
    throw invalid('signature')
  })
  return toForeignToken(parsePart(body), key, issuer, now())
}

const isMeantForUs = ({ audience, clientId }: ForeignToken, issuer: TrustedIssuer): boolean =>
  audience.length > 0
    ? issuer.audience !== undefined && audience.includes(issuer.audience)
    : clientId !== undefined && issuer.clientsWithoutAudience.includes(clientId)

/** Whose it was is proven, whatever else is wrong. */
const ownerOf = ({ foreignId }: ForeignToken) => ({ userId: foreignId, sessionId: foreignId })

/**
 * What may be otherwise at each request, of a token whose signature is good.
 * @throws Refusal `invalid_token`, `token_expired`
 */
export const checkForeignToken = (token: ForeignToken, issuer: TrustedIssuer, now: number): void => {
  const session = ownerOf(token)
  if (!isMeantForUs(token, issuer))
    throw new Refusal('invalid_token', { reason: 'foreign_audience', session })
  if (token.notBefore > now) throw new Refusal('invalid_token', { reason: 'foreign_not_yet', session })
  if (token.expiresAt <= now) throw new Refusal('token_expired', { reason: 'foreign_expired', session })
}
