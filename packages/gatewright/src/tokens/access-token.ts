import { compactVerify } from 'jose'
import type { Clock } from '../ground/clock.ts'
import { fromBase64url } from '../ground/encoding.ts'
import { JsonError, parseJsonBytes } from '../ground/json.ts'
import { newId, type Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { SigningKey } from '../keys/signing-keys.ts'
import { toJws } from './jws.ts'
import { createVerifiedTokens } from './verified-tokens.ts'

/** What an access token says, once its signature was found good. Frozen; times in milliseconds. */
export type AccessToken = {
  readonly keyId: string
  readonly tokenId: string
  readonly userId: string
  readonly clientId: string
  readonly audience: string
  readonly sessionId: string
  /** The user's version when the session began. */
  readonly userVersion: number
  readonly expiresAt: number
  readonly authTime: number
  readonly amr: readonly string[]
  readonly roles: readonly string[]
}

export type NewAccessToken = Pick<
  AccessToken,
  'userId' | 'sessionId' | 'userVersion' | 'expiresAt' | 'authTime' | 'amr' | 'roles'
>

/** Signs with one key, whatever happens to the ring meanwhile. */
export type Sign = (token: NewAccessToken) => Promise<string>

export type AccessTokens = {
  /**
   * Taken before anything is changed that a token is to be made for, so that a change is not made and then
   * can't be told. @throws Refusal `unavailable` where no key is known to be the one that signs
   */
  readonly getSign: () => Promise<Sign>
  /**
   * The token, if its signature was found good here before: that costs nothing. Refuses as `verify` does.
   */
  readonly findKnown: (text: string) => AccessToken | undefined
  /** The token, or a refusal: `invalid_token`, or `token_expired` where only its time is over. */
  readonly verify: (text: string) => Promise<AccessToken>
  /** How often a token was known here, and how often a signature was checked. */
  readonly counts: () => { readonly known: number; readonly checked: number }
}

type Dependencies = {
  readonly issuer: string
  readonly audience: string
  readonly keyRing: Pick<KeyRing, 'getActive' | 'find' | 'findAnew' | 'onRemoved'>
  readonly clock: Clock
  readonly random: Random
}

const maximumLength = 8_192
const tokenType = 'at+jwt'
const headerMembers = ['alg', 'typ', 'kid']

const invalid = (reason: string): Refusal => new Refusal('invalid_token', { reason })

/** The bytes of a part. Not jose's: it reads several texts as the same bytes, and one token must not have several. */
const decode = (part: string): Buffer => {
  const bytes = fromBase64url(part)
  if (bytes === undefined) throw invalid('token_encoding')
  return bytes
}

const parseJsonPart = (bytes: Uint8Array): unknown => {
  try {
    return parseJsonBytes(bytes)
  } catch (error) {
    throw error instanceof JsonError ? invalid(`token_json_${error.reason}`) : error
  }
}

/**
 * The members of a part, spelled as we spell it: so no two readers can read it differently, and numbers are
 * written plainly.
 */
const parsePart = (bytes: Buffer): Readonly<Record<string, unknown>> => {
  const value = parseJsonPart(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('token_json_object')
  if (JSON.stringify(value) !== bytes.toString()) throw invalid('token_spelling')
  return value as Record<string, unknown>
}

/** `sid` holds the session's id and the user's version at its birth, so that a cut-off need not compare times. */
const sidPattern = /^([\w-]{22})\.(\d{1,10})$/
const toSid = (sessionId: string, userVersion: number): string => `${sessionId}.${userVersion}`

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
const isSid = (value: unknown): value is string => typeof value === 'string' && sidPattern.test(value)
/** As milliseconds it is still exact. */
const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && Number.isInteger(value) && Number.isSafeInteger(value * 1_000)

/** Every claim that we make, and its form. A token of ours has all of them and no others. */
const claimForms = {
  iss: isText,
  sub: isText,
  aud: isText,
  client_id: isText,
  iat: isSeconds,
  exp: isSeconds,
  jti: isText,
  sid: isSid,
  auth_time: isSeconds,
  amr: isTexts,
  roles: isTexts,
} as const

type Forms = typeof claimForms
type Claims = {
  readonly [Name in keyof Forms]: Forms[Name] extends (value: unknown) => value is infer Value
    ? Value extends string[]
      ? readonly string[]
      : Value
    : never
}

/** A claim that is not known could narrow what the token is good for, so it is refused and not passed over. */
const checkClaims = (claims: Readonly<Record<string, unknown>>): Claims => {
  for (const [name, isRight] of Object.entries(claimForms))
    if (!isRight(claims[name])) throw invalid(`token_claim_${name}`)
  if (!Object.keys(claims).every(name => Object.hasOwn(claimForms, name)))
    throw invalid('token_claim_unknown')
  return claims as Claims
}

const toAccessToken = (claims: Claims, keyId: string): AccessToken => {
  const [, sessionId = '', userVersion] = sidPattern.exec(claims.sid) ?? []
  return Object.freeze({
    keyId,
    tokenId: claims.jti,
    userId: claims.sub,
    clientId: claims.client_id,
    audience: claims.aud,
    sessionId,
    userVersion: Number(userVersion),
    expiresAt: claims.exp * 1_000,
    authTime: claims.auth_time * 1_000,
    amr: Object.freeze(claims.amr),
    roles: Object.freeze(claims.roles),
  })
}

/** Proven by the signature, whatever else is wrong. */
const ownerOf = ({ userId, sessionId }: AccessToken): Pick<AccessToken, 'userId' | 'sessionId'> => ({
  userId,
  sessionId,
})

/**
 * Makes and verifies access tokens (RFC 9068), signed by the key ring's active key.
 *
 * Verification trusts nothing in the token but the `kid`, by which it finds a key of our own ring; the
 * key knows its one algorithm. A header with any member but `alg`, `typ` and `kid` is refused, so
 * `crit`, `jwk`, `jku` and `x5u` are, and so are claims that we don't make. What is remembered of a token
 * is only what follows from its text; audience and expiry are checked at each request, revocation by the gate.
 *
 * A text is no identity: whoever holds an ES256 token can write its signature (r, s) as (r, n − s), which is
 * as good. Both texts name one session, and end with it; nothing is ever kept or ended by a text.
 */
export const createAccessTokens = ({
  issuer,
  audience,
  keyRing,
  clock,
  random,
}: Dependencies): AccessTokens => {
  const verified = createVerifiedTokens<AccessToken>()
  const counts = { known: 0, checked: 0 }
  keyRing.onRemoved(kid => verified.forget(({ keyId }) => keyId === kid))

  const toClaims = (token: NewAccessToken): Claims => ({
    iss: issuer,
    sub: token.userId,
    aud: audience,
    client_id: 'first-party',
    iat: Math.floor(clock.now() / 1_000),
    exp: Math.floor(token.expiresAt / 1_000),
    jti: newId(random),
    sid: toSid(token.sessionId, token.userVersion),
    auth_time: Math.floor(token.authTime / 1_000),
    amr: token.amr,
    roles: token.roles,
  })

  const checkNow = (token: AccessToken): AccessToken => {
    if (token.audience !== audience)
      throw new Refusal('invalid_token', { reason: 'token_audience', session: ownerOf(token) })
    if (token.expiresAt <= clock.now())
      throw new Refusal('token_expired', { reason: 'token_expired', session: ownerOf(token) })
    return token
  }

  /** A key may have begun to sign a moment ago, so one that is not known is looked for once more. */
  const findKey = async (kid: unknown): Promise<SigningKey> => {
    if (!isText(kid)) throw invalid('token_key')
    const key = keyRing.find(kid) ?? (await keyRing.findAnew(kid))
    if (key === undefined) throw invalid('token_key')
    return key
  }

  const verifySignature = async (text: string): Promise<AccessToken> => {
    counts.checked += 1
    if (text.length > maximumLength) throw invalid('token_too_long')
    const parts = text.split('.')
    if (parts.length !== 3) throw invalid('token_parts')
    const [head, body] = parts.map(decode) as [Buffer, Buffer, Buffer]
    const header = parsePart(head)
    if (Object.keys(header).some(name => !headerMembers.includes(name))) throw invalid('token_header')
    const key = await findKey(header.kid)
    if (header.alg !== key.algorithm) throw invalid('token_algorithm')
    if (header.typ !== tokenType) throw invalid('token_type')
    await compactVerify(text, key.publicKey, { algorithms: [key.algorithm] }).catch(() => {
      throw invalid('token_signature')
    })
    // It may have been revoked meanwhile: then nothing is remembered of it.
    if (keyRing.find(key.kid) === undefined) throw invalid('token_key')
    const claims = parsePart(body)
    if (claims.iss !== issuer) throw invalid('token_issuer')
    const token = toAccessToken(checkClaims(claims), key.kid)
    verified.remember(text, token, clock.now())
    return token
  }

  return {
    getSign: async () => {
      const active = await keyRing.getActive()
      return token => toJws(active, tokenType, toClaims(token))
    },
    findKnown: text => {
      const known = verified.find(text)
      if (known === undefined) return undefined
      counts.known += 1
      return checkNow(known)
    },
    verify: async text => checkNow(verified.find(text) ?? (await verifySignature(text))),
    counts: () => counts,
  }
}
