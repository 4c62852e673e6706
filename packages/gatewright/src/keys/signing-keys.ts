import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { SigningKeyRow } from '../storage/tables.ts'
import { type Algorithm, algorithmOfKey, algorithms, toPublicJwk } from './algorithms.ts'

/** One key, one algorithm: a token is never verified by another algorithm than its key's. */
export type SigningKey = {
  readonly kid: string
  readonly algorithm: string
  readonly publicKey: CryptoKey
  /** The signature of a text, as a JWS has it. Whoever holds this can sign, and not read the key. */
  readonly sign: (text: string) => Buffer | Promise<Buffer>
  /** As the key set shows it; undefined for a shared key, which is never shown. */
  readonly publicJwk?: JWK | undefined
}

/** Both halves, not sealed. */
export type NewKey = { readonly kid: string; readonly algorithm: Algorithm; readonly jwk: JWK }

export type SealedKey = Pick<SigningKeyRow, 'kid' | 'algorithm' | 'public_key' | 'private_key'>

const hmac = { name: 'HMAC', hash: 'SHA-256' }

/** A shared key comes as bytes, which could be read out of the memory's object again; this one can't. */
const toVerifyingKey = async (jwk: JWK, algorithm: Algorithm): Promise<CryptoKey> => {
  const key = await importJWK(jwk, algorithm)
  return key instanceof Uint8Array
    ? crypto.subtle.importKey('raw', Buffer.from(key), hmac, false, ['verify'])
    : key
}

const toSigningKey = (jwk: JWK): KeyObject =>
  jwk.k === undefined
    ? createPrivateKey({ key: jwk, format: 'jwk' })
    : createSecretKey(Buffer.from(jwk.k, 'base64url'))

/**
 * Both halves, and the algorithm, come out of the sealed one: what stands beside it in the table is not
 * sealed, and a key or an algorithm planted there would verify the forger's tokens.
 * @throws Error where the secret is not held, or anything was changed
 */
export const openKey = async (
  secrets: Secrets,
  row: Pick<SigningKeyRow, 'kid' | 'algorithm' | 'private_key'>,
): Promise<SigningKey> => {
  const { kid } = row
  const jwk = JSON.parse(secrets.open('signing-key', kid, row.private_key).toString()) as JWK
  const algorithm = algorithmOfKey(jwk)
  if (algorithm !== row.algorithm)
    throw new Error(`the signing key ${kid} is for ${algorithm}, and its row says another algorithm`)
  const publicJwk = toPublicJwk(algorithm, jwk)
  const signingKey = toSigningKey(jwk)
  return {
    kid,
    algorithm,
    publicKey: await toVerifyingKey(publicJwk ?? jwk, algorithm),
    sign: text => algorithms[algorithm].sign(signingKey, Buffer.from(text)),
    publicJwk: publicJwk && { ...publicJwk, kid, alg: algorithm, use: 'sig' },
  }
}

/** A word of a command line that begins with a hyphen would be an option. */
const newKid = (random: Random): string => newId(random).replace(/^-/, '_')

/** A new key, which nothing has sealed yet. Making one takes a while (RSA): never inside a transaction. */
export const makeKey = async (random: Random, algorithm: Algorithm): Promise<NewKey> => ({
  kid: newKid(random),
  algorithm,
  jwk: await algorithms[algorithm].make(random),
})

/** As the table has it. @throws TypeError where the secret is not held */
export const sealKey = (secrets: Secrets, { kid, algorithm, jwk }: NewKey, secretId: string): SealedKey => ({
  kid,
  algorithm,
  public_key: JSON.stringify(toPublicJwk(algorithm, jwk) ?? {}),
  private_key: secrets.seal('signing-key', kid, Buffer.from(JSON.stringify(jwk)), secretId),
})
