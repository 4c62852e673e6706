import type { PublicKey } from './algorithms.ts'
import { second } from './clock.ts'
import { type Names, nameOf } from './cut-offs.ts'
import { JwsError, type Members, readJws } from './jws.ts'
import { Refusal } from './refusal.ts'

/** Whoever a request acts as. Frozen, deeply: requests with the same token are given the same one. */
export type Principal = {
  readonly userId: string
  readonly sessionId: string
  readonly clientId: string
  readonly tokenId: string
  /** Names of roles. What they allow is this service's own to say. */
  readonly roles: readonly string[]
  /** When the person last proved who it is, milliseconds, and by what (RFC 8176). */
  readonly authTime: number
  readonly amr: readonly string[]
  /** Milliseconds. */
  readonly expiresAt: number
}

/** What follows from the text of a token whose signature is good, and from nothing else. */
export type AccessToken = {
  readonly principal: Principal
  readonly key: PublicKey
  readonly names: Names
  /** Milliseconds. */
  readonly issuedAt: number
}

const sidPattern = /^([\w-]{22})\.(\d{1,10})$/

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0')
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)
const isSid = (value: unknown): value is string => isText(value) && sidPattern.test(value)
/** As milliseconds it is still exact. */
const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && Number.isInteger(value) && Number.isSafeInteger(value * second)

/** Every claim that Gatewright makes, and its form. */
const forms = {
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

type Claims = {
  readonly [Name in keyof typeof forms]: (typeof forms)[Name] extends (value: unknown) => value is infer Value
    ? Value
    : never
}

const invalid = (reason: string): Refusal => new Refusal('invalid_token', `token_${reason}`)

/** A claim that is not known could narrow what the token is good for, so it is refused and not passed over. */
const checkClaims = (members: Members): Claims => {
  for (const [name, isRight] of Object.entries(forms))
    if (!isRight(members[name])) throw invalid(`claim_${name}`)
  if (!Object.keys(members).every(name => Object.hasOwn(forms, name))) throw invalid('claim_unknown')
  return members as Claims
}

const toToken = (claims: Claims, key: PublicKey): AccessToken => {
  const [, sessionId = '', userVersion] = sidPattern.exec(claims.sid) ?? []
  return {
    principal: Object.freeze({
      userId: claims.sub,
      sessionId,
      clientId: claims.client_id,
      tokenId: claims.jti,
      roles: Object.freeze(claims.roles),
      authTime: claims.auth_time * second,
      amr: Object.freeze(claims.amr),
      expiresAt: claims.exp * second,
    }),
    key,
    names: {
      session: nameOf('session', sessionId),
      user: nameOf('user', claims.sub),
      userVersion: Number(userVersion),
      key: nameOf('signing-key', key.kid),
      reread: nameOf('reread-user', claims.sub),
      exp: claims.exp,
    },
    issuedAt: claims.iat * second,
  }
}

export type Expected = {
  readonly issuer: string
  readonly audience: string
  readonly findKey: (kid: string) => Promise<PublicKey | undefined>
}

/**
 * An access token of Gatewright (RFC 9068): its form, its signature, its issuer and its audience. Whether it
 * has expired or was taken back is asked at each request.
 * @throws Refusal `invalid_token`
 */
export const readAccessToken = async (
  text: string,
  { issuer, audience, findKey }: Expected,
): Promise<AccessToken> => {
  const { members, key } = await readJws(text, { most: 8_192, typ: 'at+jwt', findKey }).catch(error => {
    throw error instanceof JwsError ? invalid(error.message) : error
  })
  const claims = checkClaims(members)
  if (claims.iss !== issuer) throw invalid('issuer')
  if (claims.aud !== audience) throw invalid('audience')
  return toToken(claims, key)
}
