import { createHmac, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { newSecret, type Random } from '../ground/random.ts'
import type { Settings } from '../ground/settings.ts'

type AlgorithmRow = {
  /** A new private key. */
  readonly make: (random: Random) => Promise<JWK>
  /** The signature of a text in the form of RFC 7518 §3. At once where that is quick: a turn of the thread pool takes longer, and stands behind passwords that are hashed. */
  readonly sign: (key: KeyObject, text: Buffer) => Buffer | Promise<Buffer>
  /** What a key of this algorithm, and of no other here, looks like. */
  readonly kind: Pick<JWK, 'kty' | 'crv'>
  /** The members that everybody may see; none where the key is shared. */
  readonly publicMembers: readonly (keyof JWK)[]
  /** What a start says where this is chosen. */
  readonly warning?: string
}

const makePair =
  (algorithm: string): AlgorithmRow['make'] =>
  async () =>
    exportJWK((await generateKeyPair(algorithm, { extractable: true, modulusLength })).privateKey)

/** For RSA: 128 bits of security. */
const modulusLength = 3_072

const signElsewhere = promisify(sign)

/** By the name that stands in a token's `alg`. The kind of key tells the algorithm, so a key has only one. */
export const algorithms = {
  ES256: {
    make: makePair('ES256'),
    sign: (key, text) => sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' }),
    kind: { kty: 'EC', crv: 'P-256' },
    publicMembers: ['kty', 'crv', 'x', 'y'],
  },
  EdDSA: {
    make: makePair('EdDSA'),
    sign: (key, text) => sign(null, text, key),
    kind: { kty: 'OKP', crv: 'Ed25519' },
    publicMembers: ['kty', 'crv', 'x'],
  },
  RS256: {
    make: makePair('RS256'),
    sign: (key, text) => signElsewhere('sha256', text, key),
    kind: { kty: 'RSA' },
    publicMembers: ['kty', 'n', 'e'],
    warning:
      'TOKEN_ALGORITHM=RS256: an exception, for verifiers that know nothing newer. It signs slowly, its tokens are larger, and OWASP ASVS no longer accepts it.',
  },
  HS256: {
    make: async random => ({ kty: 'oct', k: newSecret(random) }),
    sign: (key, text) => createHmac('sha256', key).update(text).digest(),
    kind: { kty: 'oct' },
    publicMembers: [],
    warning:
      'TOKEN_ALGORITHM=HS256_EVERY_VERIFIER_CAN_FORGE: whoever can check a token can make one for anybody. No verifier elsewhere can be given this key safely; ES256 has a public half.',
  },
} as const satisfies Record<string, AlgorithmRow>

export type Algorithm = keyof typeof algorithms

export const isAlgorithm = (name: string): name is Algorithm => Object.hasOwn(algorithms, name)

/** What a `TOKEN_ALGORITHM` is called in tokens. */
export const algorithmOf = {
  ES256: 'ES256',
  EdDSA: 'EdDSA',
  RS256: 'RS256',
  HS256_EVERY_VERIFIER_CAN_FORGE: 'HS256',
} as const satisfies Record<Settings['tokenAlgorithm'], Algorithm>

export const warningsOf = (algorithm: Algorithm): readonly string[] => {
  const row: AlgorithmRow = algorithms[algorithm]
  return row.warning === undefined ? [] : [row.warning]
}

/** The algorithm that a key is for, told by the key alone. @throws TypeError for a key of no algorithm here */
export const algorithmOfKey = ({ kty, crv }: JWK): Algorithm => {
  const names = Object.keys(algorithms).filter(isAlgorithm)
  const found = names.find(name => {
    const kind: AlgorithmRow['kind'] = algorithms[name].kind
    return kind.kty === kty && kind.crv === crv
  })
  if (found === undefined) throw new TypeError('a signing key of no known kind')
  return found
}

/** The public half; undefined for a key that has none. */
export const toPublicJwk = (algorithm: Algorithm, jwk: JWK): JWK | undefined => {
  const members: readonly (keyof JWK)[] = algorithms[algorithm].publicMembers
  return members.length === 0 ? undefined : Object.fromEntries(members.map(name => [name, jwk[name]]))
}
