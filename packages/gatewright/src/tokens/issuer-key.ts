import { type CryptoKey, importJWK, type JWK } from 'jose'
import { fromBase64url } from '../ground/encoding.ts'
import type { IssuerAlgorithm } from '../ground/trusted-issuers.ts'

/** A public key of another issuer. One key, one algorithm. */
export type IssuerKey = {
  readonly kid: string
  readonly algorithm: IssuerAlgorithm
  readonly publicKey: CryptoKey
  /** The same for the same key only. */
  readonly mark: string
}

/** What a key of each algorithm looks like. */
const kinds: Readonly<Record<IssuerAlgorithm, Pick<JWK, 'kty' | 'crv'>>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
}

/** What only a private or a shared key has: whoever publishes one has no key any more. */
const secretMembers = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth']

const leastModulus = 2_048
const mostModulus = 8_192

const bitsOf = (number: Buffer): number =>
  number.length === 0 ? 0 : 8 * (number.length - 1) + (32 - Math.clz32(number[0] ?? 0))

/** A small exponent, or an even one, is none that anybody uses; a large one makes every check slow. */
const isStrongRsa = ({ n, e }: JWK): boolean => {
  const modulus = fromBase64url(n ?? '')
  const bits = modulus === undefined ? 0 : bitsOf(modulus)
  return bits >= leastModulus && bits <= mostModulus && e === 'AQAB'
}

/**
 * The one algorithm of a key: its own, if that is taken; for a key that names none, the one of those taken that
 * fits it. Where several do, nobody can tell, and the key is none.
 */
const algorithmOf = (jwk: JWK, taken: readonly IssuerAlgorithm[]): IssuerAlgorithm | undefined => {
  const fitting = taken.filter(
    algorithm =>
      kinds[algorithm].kty === jwk.kty &&
      kinds[algorithm].crv === jwk.crv &&
      (jwk.alg === undefined || jwk.alg === algorithm),
  )
  return fitting.length === 1 ? fitting[0] : undefined
}

const isForSignatures = ({ use = 'sig', key_ops = ['verify'] }: JWK): boolean =>
  use === 'sig' && Array.isArray(key_ops) && key_ops.includes('verify')

/** Cognito's ends with an equals sign, others hold blanks: nothing is looked up by it but keys of its issuer. */
const kidPattern = /^[\x20-\x7e]{1,255}$/

const importKey = async ({ kty, crv, n, e, x, y }: JWK, algorithm: IssuerAlgorithm) => {
  try {
    return await importJWK({ kty, crv, n, e, x, y } as JWK, algorithm)
  } catch {
    return undefined
  }
}

/**
 * The key of a JWK (RFC 7517); undefined for one that is of no use here: of an algorithm that is not taken, weak, off
 * its curve, secret, or not for signatures. It takes nothing from the other keys of its set.
 */
export const toIssuerKey = async (
  jwk: JWK,
  taken: readonly IssuerAlgorithm[],
): Promise<IssuerKey | undefined> => {
  const { kid, kty, crv, n, e, x, y } = jwk
  const algorithm = algorithmOf(jwk, taken)
  if (algorithm === undefined || typeof kid !== 'string' || !kidPattern.test(kid)) return undefined
  if (!isForSignatures(jwk) || secretMembers.some(name => Object.hasOwn(jwk, name))) return undefined
  if (kty === 'RSA' && !isStrongRsa(jwk)) return undefined
  const publicKey = await importKey(jwk, algorithm)
  if (publicKey === undefined || publicKey instanceof Uint8Array) return undefined
  return Object.freeze({ kid, algorithm, publicKey, mark: JSON.stringify([algorithm, kty, crv, n, e, x, y]) })
}
