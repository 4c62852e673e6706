import { createHmac, KeyObject } from 'node:crypto'
import { openKeyRing } from '../../packages/gatewright/src/keys/key-ring.ts'
import type { TestApp } from '../harness.ts'

type Part = Readonly<Record<string, unknown>>

/** What a part of a token may be made of: members, or a text or bytes as they are. */
export type Content = Part | string | Uint8Array

export const encode = (content: Content): string => {
  const isRaw = typeof content === 'string' || content instanceof Uint8Array
  return Buffer.from(isRaw ? content : JSON.stringify(content)).toString('base64url')
}

const decode = (part = ''): Part => JSON.parse(Buffer.from(part, 'base64url').toString())

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

const makeKeyPair = () => crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])

type Sign = (text: string) => Uint8Array | Promise<Uint8Array>

const signBy =
  (key: CryptoKey): Sign =>
  async text =>
    new Uint8Array(await crypto.subtle.sign(ecdsa, key, Buffer.from(text)))

const addSignature = async (sign: Sign, text: string): Promise<string> =>
  `${text}.${encode(await sign(text))}`

/**
 * Somebody who has a good token, knows our public key and, for what must be refused in spite of a right
 * signature, even holds our private key.
 */
export const createForger = async (t: TestApp, good: string) => {
  const active = await (await openKeyRing(t.engine)).getActive()
  const own = await makeKeyPair()
  const ourPublicKey = KeyObject.from(active.publicKey)
  const [head, body, signature = ''] = good.split('.')
  const header = decode(head)
  const claims = decode(body)

  const make = (sign: Sign, head: Content, body: Content): Promise<string> =>
    addSignature(sign, `${encode(head)}.${encode(body)}`)
  return {
    good,
    header,
    claims,
    signature,
    /** By our own key, with these members over those of the good token. */
    ours: (changedHeader: Part = {}, changedClaims: Part = {}) =>
      make(active.sign, { ...header, ...changedHeader }, { ...claims, ...changedClaims }),
    /** By our own key, over exactly these parts. */
    oursExactly: (head: Content, body: Content) => make(active.sign, head, body),
    /** By our own key, over the good parts in another spelling. */
    oursSpelled: (spellHead: (head: string) => string, spellBody: (body: string) => string) =>
      addSignature(active.sign, `${spellHead(encode(header))}.${spellBody(encode(claims))}`),
    /** By the forger's key. */
    theirs: (changedHeader: Part = {}, changedClaims: Part = {}) =>
      make(signBy(own.privateKey), { ...header, ...changedHeader }, { ...claims, ...changedClaims }),
    theirPublicJwk: KeyObject.from(own.publicKey).export({ format: 'jwk' }),
    /** By HMAC, with any bytes as the secret. */
    byHmac: (secret: string | Uint8Array, changedHeader: Part = {}) => {
      const text = `${encode({ ...header, alg: 'HS256', ...changedHeader })}.${encode(claims)}`
      return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
    },
    publicPem: ourPublicKey.export({ format: 'pem', type: 'spki' }).toString(),
    publicJwk: ourPublicKey.export({ format: 'jwk' }),
  }
}

export type Forger = Awaited<ReturnType<typeof createForger>>

/** The token with other claims under its old signature. */
export const swapClaims = (good: string, claims: object): string => {
  const [head, , signature] = good.split('.')
  return [head, encode(JSON.stringify(claims)), signature].join('.')
}
