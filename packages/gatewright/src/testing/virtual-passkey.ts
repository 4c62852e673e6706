import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { toBase64url } from '../ground/encoding.ts'
import { systemRandom } from '../ground/random.ts'
import type { CreationOptions, RequestOptions } from '../passkeys/options.ts'
import type { AssertionResponse, RegistrationResponse } from '../passkeys/responses.ts'
import { encodeCbor } from './encode-cbor.ts'

type Jwk = Readonly<Record<'x' | 'y' | 'n' | 'e', string>>
type Cose = (jwk: Jwk) => ReadonlyMap<number, number | Uint8Array>

const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64url')

type Algorithm = 'ES256' | 'EdDSA' | 'RS256'

/** How a key of each kind is made, written down (RFC 9053, RFC 8812) and used. */
const kinds = {
  ES256: {
    makeKeys: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    toCose: ({ x, y }) =>
      new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, bytes(x)],
        [-3, bytes(y)],
      ]),
    hash: 'sha256',
  },
  EdDSA: {
    makeKeys: () => generateKeyPairSync('ed25519'),
    toCose: ({ x }) =>
      new Map<number, number | Uint8Array>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, bytes(x)],
      ]),
    hash: null,
  },
  RS256: {
    makeKeys: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    toCose: ({ n, e }) =>
      new Map<number, number | Uint8Array>([
        [1, 3],
        [3, -257],
        [-1, bytes(n)],
        [-2, bytes(e)],
      ]),
    hash: 'sha256',
  },
} as const satisfies Record<
  Algorithm,
  {
    readonly makeKeys: () => { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
    readonly toCose: Cose
    readonly hash: string | null
  }
>

export type PasskeyTraits = {
  /** `ES256` without a word. */
  readonly algorithm?: Algorithm
  /** Whether it counts how often it was used; the passkeys that people sync do not. */
  readonly counts?: boolean
  /** Whether it may exist on several devices. */
  readonly isSynced?: boolean
}

/** What a response says other than the truth: for tests of what is refused. */
export type Untruth = {
  readonly type?: string
  readonly challenge?: string
  readonly origin?: string
  readonly crossOrigin?: boolean
  readonly topOrigin?: string
  readonly rpId?: string
  /** Bits of the authenticator data that are left out: 1 somebody is there, 4 it is the right person. */
  readonly without?: number
  readonly counter?: number
  readonly isSynced?: boolean
  /** null: none at all. */
  readonly userHandle?: string | null
}

/** A passkey in memory: what a browser and its authenticator would answer, really signed. */
export type VirtualPasskey = {
  readonly credentialId: string
  /** Answers registration options. */
  readonly create: (options: CreationOptions, untruth?: Untruth) => RegistrationResponse
  /** Answers request options, and counts it as a use. */
  readonly get: (options: RequestOptions, untruth?: Untruth) => AssertionResponse
  /** The same key with a counter of its own, as a thief would have it. */
  readonly clone: () => VirtualPasskey
}

const userPresent = 1
const userVerified = 4
const backupEligible = 8
const attested = 64

const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest()

const toClientData = (
  type: string,
  challenge: string,
  { origin, crossOrigin = false, topOrigin, ...untruth }: Untruth,
): Buffer =>
  Buffer.from(
    JSON.stringify({
      type: untruth.type ?? type,
      challenge: untruth.challenge ?? challenge,
      origin,
      crossOrigin,
      ...(topOrigin !== undefined && { topOrigin }),
    }),
  )

const toAuthData = (rpId: string, flags: number, counter: number, credential = new Uint8Array()): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt8(flags)
  head.writeUInt32BE(counter, 1)
  return Buffer.concat([sha256(rpId), head, credential])
}

const flagsOf = (isSynced: boolean, { without = 0, ...untruth }: Untruth): number =>
  (userPresent | userVerified | ((untruth.isSynced ?? isSynced) ? backupEligible : 0)) & ~without

/** A key that was made, and whom it belongs to once it was registered. */
type Held = {
  readonly id: Buffer
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  userHandle: string
  counter: number
}

const open = (origin: string, traits: Required<PasskeyTraits>, held: Held): VirtualPasskey => {
  const { algorithm, counts, isSynced } = traits
  const credentialId = toBase64url(held.id)
  const named = { id: credentialId, rawId: credentialId, type: 'public-key' } as const
  const create: VirtualPasskey['create'] = ({ rp, user, challenge }, untruth = {}) => {
    held.userHandle = user.id
    const length = Buffer.alloc(2)
    length.writeUInt16BE(held.id.length)
    const key = encodeCbor(kinds[algorithm].toCose(held.publicKey.export({ format: 'jwk' }) as Jwk))
    const credential = Buffer.concat([Buffer.alloc(16), length, held.id, key])
    const flags = flagsOf(isSynced, untruth) | attested
    const counter = untruth.counter ?? held.counter
    const authData = toAuthData(untruth.rpId ?? rp.id, flags, counter, credential)
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', authData],
    ])
    const clientData = toClientData('webauthn.create', challenge, { origin, ...untruth })
    return {
      ...named,
      response: {
        clientDataJSON: toBase64url(clientData),
        attestationObject: toBase64url(encodeCbor(attestation)),
        transports: ['internal'],
      },
    }
  }
  const get: VirtualPasskey['get'] = ({ rpId, challenge }, untruth = {}) => {
    if (counts) held.counter += 1
    const { userHandle = held.userHandle } = untruth
    const authData = toAuthData(
      untruth.rpId ?? rpId,
      flagsOf(isSynced, untruth),
      untruth.counter ?? held.counter,
    )
    const clientData = toClientData('webauthn.get', challenge, { origin, ...untruth })
    const signed = Buffer.concat([authData, sha256(clientData)])
    return {
      ...named,
      response: {
        clientDataJSON: toBase64url(clientData),
        authenticatorData: toBase64url(authData),
        signature: toBase64url(sign(kinds[algorithm].hash, signed, held.privateKey)),
        ...(userHandle !== null && { userHandle }),
      },
    }
  }
  return { credentialId, create, get, clone: () => open(origin, traits, { ...held }) }
}

/** Makes a passkey for the pages of one origin, without a browser. */
export const makeVirtualPasskey = (
  origin: string,
  { algorithm = 'ES256', counts = true, isSynced = false }: PasskeyTraits = {},
): VirtualPasskey => {
  const id = Buffer.from(systemRandom.bytes(32))
  return open(
    origin,
    { algorithm, counts, isSynced },
    { ...kinds[algorithm].makeKeys(), id, userHandle: '', counter: 0 },
  )
}
