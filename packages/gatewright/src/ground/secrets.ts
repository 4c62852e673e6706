import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { fromBase64url, toBase64url } from './encoding.ts'
import type { Random } from './random.ts'

/** What a key is derived for: one key per purpose, so that a value of one is nothing to another. */
export type Purpose =
  | 'refresh-token'
  | 'signing-key'
  | 'audit-key'
  | 'feed-place'
  | 'limit-counter'
  | 'sign-in-name'
  | 'unusual-sign-in'
  | 'mail'
  | 'totp'
  | 'backup'

/** One secret of `GATEWRIGHT_SECRET`, known outside only by its id. */
type Secret = { readonly id: string; readonly key: (purpose: Purpose) => KeyObject }

/**
 * The secrets that this process holds, newest first. Each value names its secret by id. Which one new values
 * are made with is not decided here but in the register of processes: every process must hold it.
 */
export type Secrets = {
  readonly newestId: string
  readonly ids: readonly string[]
  /** HMAC-SHA-256 under the named secret; undefined if this process does not hold it. */
  readonly mac: (purpose: Purpose, secretId: string, data: Uint8Array) => Buffer | undefined
  /**
   * AES-256-GCM under the named secret; `context` is authenticated, so a sealed value can't be moved to
   * another row. Throws a TypeError when the secret is not held.
   */
  readonly seal: (purpose: Purpose, context: string, plain: Uint8Array, secretId: string) => string
  /** The opened bytes. Throws when the secret is not held or anything was changed. */
  readonly open: (purpose: Purpose, context: string, sealed: string) => Buffer
}

/**
 * A text as it may stand where others read it: whoever lacks the secret can neither read nor guess it.
 * @throws TypeError when the secret is not held
 */
export const hideText = (
  { mac }: Pick<Secrets, 'mac'>,
  purpose: Purpose,
  secretId: string,
  text: string,
): string => {
  const hidden = mac(purpose, secretId, Buffer.from(text))
  if (hidden === undefined) throw new TypeError(`the secret ${secretId} is not held`)
  return toBase64url(hidden)
}

const secretBytes = 32

/** Four bytes in base64url: enough to tell a handful of secrets apart, and says nothing about them. */
export const secretIdBytes = 4

/** Characters of an id, with which every sealed text begins. */
export const secretIdLength = 6

/** A word of a command line that begins with a hyphen would be an option. */
const toId = (bytes: Buffer): string => {
  const digest = createHash('sha256').update('gatewright secret id\0').update(bytes).digest()
  return toBase64url(digest.subarray(0, secretIdBytes)).replace(/^-/, '_')
}

const toSecret = (bytes: Buffer): Secret => {
  const derived = new Map<Purpose, KeyObject>()
  const derive = (purpose: Purpose): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', bytes, 'gatewright', purpose, secretBytes)))
  return {
    id: toId(bytes),
    key: purpose => {
      const key = derived.get(purpose) ?? derive(purpose)
      derived.set(purpose, key)
      return key
    },
  }
}

/** The bytes of one secret, or undefined unless it is 32 bytes in base64url. */
export const parseSecret = (text: string): Buffer | undefined => {
  const bytes = fromBase64url(text)
  return bytes?.length === secretBytes ? bytes : undefined
}

/** The secret that a sealed value names. */
export const secretIdOf = (sealed: string): string => sealed.split('.')[0] ?? ''

/** @param texts each 32 bytes in base64url, newest first, none twice. Throws a TypeError otherwise. */
export const createSecrets = (texts: readonly string[], random: Random): Secrets => {
  const held = texts.map(text => {
    const bytes = parseSecret(text)
    if (bytes === undefined) throw new TypeError('a secret must be 32 bytes in base64url')
    return toSecret(bytes)
  })
  const newest = held[0]
  if (newest === undefined) throw new TypeError('at least one secret is needed')
  if (new Set(held.map(({ id }) => id)).size < held.length) throw new TypeError('a secret is listed twice')
  const find = (id: string): Secret | undefined => held.find(secret => secret.id === id)

  return {
    newestId: newest.id,
    ids: held.map(secret => secret.id),
    mac: (purpose, secretId, data) => {
      const secret = find(secretId)
      return secret && createHmac('sha256', secret.key(purpose)).update(data).digest()
    },
    seal: (purpose, context, plain, secretId) => {
      const secret = find(secretId)
      if (secret === undefined) throw new TypeError(`the secret ${secretId} is not held`)
      const nonce = random.bytes(12)
      const cipher = createCipheriv('aes-256-gcm', secret.key(purpose), nonce).setAAD(Buffer.from(context))
      const parts = [nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]
      return `${secret.id}.${toBase64url(Buffer.concat(parts))}`
    },
    open: (purpose, context, sealed) => {
      const id = secretIdOf(sealed)
      const [, text = ''] = sealed.split('.')
      const secret = find(id)
      if (secret === undefined)
        throw new Error(`sealed with the secret ${id}, which GATEWRIGHT_SECRET does not hold`)
      const bytes = Buffer.from(text, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', secret.key(purpose), bytes.subarray(0, 12), {
        authTagLength: 16,
      })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
    },
  }
}
