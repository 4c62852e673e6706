import { CompactSign, compactVerify } from 'jose'
import type { Clock } from '../ground/clock.ts'
import { fromBase64url } from '../ground/encoding.ts'
import { parseJsonBytes } from '../ground/json.ts'
import { newId, type Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { SigningKey } from '../keys/signing-keys.ts'

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

export type AccessTokens = {
  readonly sign: (token: NewAccessToken) => Promise<string>
  /** The token, or a refusal: `invalid_token`, or `token_expired` where only its time is over. */
  readonly verify: (text: string) => Promise<AccessToken> | AccessToken
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
/** How many verified tokens are remembered; the one longest in goes first. */
const verifiedTokens = 10_000
const headerMembers = ['alg', 'typ', 'kid']

const invalid = (reason: string): Refusal => new Refusal('invalid_token', { reason })

const parsePart = (part: string): Readonly<Record<string, unknown>> => {
  const bytes = fromBase64url(part)
  if (bytes === undefined) throw invalid('token_encoding')
  try {
    const value = parseJsonBytes(bytes)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>
  } catch {}
  throw invalid('token_json')
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isSeconds = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)

/** `sid` holds the session's id and the user's version at its birth, so that a cut-off need not compare times. */
const sidPattern = /^([\w-]{22})\.(\d{1,10})$/
const toSid = (sessionId: string, userVersion: number): string => `${sessionId}.${userVersion}`

const parseClaims = (
  claims: Readonly<Record<string, unknown>>,
  keyId: string,
  issuer: string,
): AccessToken => {
  const { iss, sub, aud, client_id, iat, exp, jti, sid, auth_time, amr, roles } = claims
  if (iss !== issuer) throw invalid('token_issuer')
  const session = isText(sid) ? sidPattern.exec(sid) : null
  if (
    !(isText(sub) && isText(aud) && isText(client_id) && isText(jti) && session !== null) ||
    !(isSeconds(iat) && isSeconds(exp) && isSeconds(auth_time) && isTexts(amr) && isTexts(roles)) ||
    'nbf' in claims
  )
    throw invalid('token_claims')
  return Object.freeze({
    keyId,
    tokenId: jti,
    userId: sub,
    clientId: client_id,
    audience: aud,
    sessionId: session[1] as string,
    userVersion: Number(session[2]),
    expiresAt: exp * 1_000,
    authTime: auth_time * 1_000,
    amr: Object.freeze(amr),
    roles: Object.freeze(roles),
  })
}

/**
 * Makes and verifies access tokens (RFC 9068), signed by the key ring's active key.
 *
 * Verification trusts nothing in the token but the `kid`, by which it finds a key of our own ring; the
 * key knows its one algorithm. A header with any member but `alg`, `typ` and `kid` is refused, so
 * `crit`, `jwk`, `jku` and `x5u` are. The map of verified tokens holds only what follows from the
 * text; audience and expiry are checked at each request, revocation by the gate.
 */
export const createAccessTokens = ({
  issuer,
  audience,
  keyRing,
  clock,
  random,
}: Dependencies): AccessTokens => {
  const verified = new Map<string, AccessToken>()
  keyRing.onRemoved(kid => {
    for (const [text, { keyId }] of verified) if (keyId === kid) verified.delete(text)
  })

  const remember = (text: string, token: AccessToken): void => {
    if (verified.size >= verifiedTokens) verified.delete(verified.keys().next().value as string)
    verified.set(text, token)
  }

  const checkNow = (token: AccessToken): AccessToken => {
    if (token.audience !== audience) throw invalid('token_audience')
    if (token.expiresAt <= clock.now()) throw new Refusal('token_expired', { reason: 'token_expired' })
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
    if (text.length > maximumLength) throw invalid('token_too_long')
    const parts = text.split('.')
    const [head, body, signature] = parts
    if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined)
      throw invalid('token_parts')
    // jose decodes leniently: one token must not have several texts.
    if (fromBase64url(signature) === undefined) throw invalid('token_encoding')
    const header = parsePart(head)
    if (Object.keys(header).some(name => !headerMembers.includes(name))) throw invalid('token_header')
    const key = await findKey(header.kid)
    if (header.alg !== key.algorithm || header.typ !== tokenType) throw invalid('token_type')
    await compactVerify(text, key.publicKey, { algorithms: [key.algorithm] }).catch(() => {
      throw invalid('token_signature')
    })
    // It may have been revoked meanwhile: then nothing is remembered of it.
    if (keyRing.find(key.kid) === undefined) throw invalid('token_key')
    const token = parseClaims(parsePart(body), key.kid, issuer)
    remember(text, token)
    return token
  }

  return {
    sign: async token => {
      const active = await keyRing.getActive()
      const claims = {
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
      }
      return new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg: active.algorithm, typ: tokenType, kid: active.kid })
        .sign(active.privateKey)
    },
    verify: text => {
      const known = verified.get(text)
      return known === undefined ? verifySignature(text).then(checkNow) : checkNow(known)
    },
  }
}
