import { createPublicKey, type KeyObject, verify, type webcrypto } from 'node:crypto'

type Row = {
  /** What a key of this algorithm, and of no other here, looks like. */
  readonly kind: { readonly kty: string; readonly crv?: string }
  readonly isGood: (key: KeyObject, text: Uint8Array, signature: Uint8Array) => boolean
}

/** What may stand in `alg`: public keys only, so whoever can check a token can make none. */
const algorithms: Readonly<Record<string, Row>> = {
  ES256: {
    kind: { kty: 'EC', crv: 'P-256' },
    isGood: (key, text, signature) => verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, signature),
  },
  EdDSA: {
    kind: { kty: 'OKP', crv: 'Ed25519' },
    isGood: (key, text, signature) => verify(null, text, key, signature),
  },
  RS256: {
    kind: { kty: 'RSA' },
    isGood: (key, text, signature) => verify('sha256', text, key, signature),
  },
}

/** One key, one algorithm. */
export type PublicKey = {
  readonly kid: string
  readonly algorithm: string
  readonly isGood: (text: Uint8Array, signature: Uint8Array) => boolean
}

export type Jwk = webcrypto.JsonWebKey & {
  readonly kid?: unknown
  readonly alg?: unknown
  readonly use?: unknown
}

const kidPattern = /^[\w-]{1,100}$/
/** What only a private or a shared key has. */
const secretMembers = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth']
const leastModulus = 2_048

const isStrong = ({ asymmetricKeyDetails: details }: KeyObject): boolean =>
  details?.modulusLength === undefined || details.modulusLength >= leastModulus

/** What Node.js makes no key of is none, and takes nothing from the other keys of its set. */
const toKey = (jwk: Jwk): KeyObject | undefined => {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** The key; undefined for one that is none of ours: of another kind, weak, secret, or not for signatures. */
export const toPublicKey = (jwk: Jwk): PublicKey | undefined => {
  const { kid, alg, use = 'sig', kty, crv } = jwk
  if (typeof kid !== 'string' || !kidPattern.test(kid) || typeof alg !== 'string' || use !== 'sig')
    return undefined
  const row = Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined
  if (row === undefined || row.kind.kty !== kty || row.kind.crv !== crv) return undefined
  if (secretMembers.some(name => Object.hasOwn(jwk, name))) return undefined
  const key = toKey(jwk)
  if (key === undefined || !isStrong(key)) return undefined
  return { kid, algorithm: alg, isGood: (text, signature) => row.isGood(key, text, signature) }
}
