import { checksum, fromBase64url, sameBytes, sha256, toBase64url } from '../ground/encoding.ts'
import { newId, type Random } from '../ground/random.ts'
import type { SecretHash } from './cookie-secret.ts'

/**
 * API keys: `gwk_` and, in base64url, id ‖ 256 random bits ‖ checksum. The id is public and finds the row; the
 * random bits are the secret, of which the database keeps the SHA-256.
 */
export type ApiKey = string & { readonly brand: 'API key' }

/** A key as somebody shows it, whole in form. Says nothing yet about its secret. */
export type ShownApiKey = {
  readonly key: ApiKey
  readonly id: string
  readonly hash: SecretHash
}

const prefix = 'gwk_'
const idBytes = 16
const secretBytes = 32
const checksumBytes = 4
const namedBytes = idBytes + secretBytes

const hashSecret = (secret: Uint8Array): SecretHash => sha256(secret) as SecretHash

const toShown = (key: ApiKey, bytes: Buffer): ShownApiKey => ({
  key,
  id: toBase64url(bytes.subarray(0, idBytes)),
  hash: hashSecret(bytes.subarray(idBytes, namedBytes)),
})

/** A new key, to be shown once: what the database keeps of it is its id and the hash. */
export const newApiKey = (random: Random): ShownApiKey => {
  const named = Buffer.concat([Buffer.from(newId(random), 'base64url'), random.bytes(secretBytes)])
  const key = (prefix + toBase64url(Buffer.concat([named, checksum(named)]))) as ApiKey
  return toShown(key, named)
}

/** The key in a text, or undefined: what is mistyped, cut off or made up by somebody lazy costs no query. */
export const parseApiKey = (text: string): ShownApiKey | undefined => {
  if (!text.startsWith(prefix)) return undefined
  const bytes = fromBase64url(text.slice(prefix.length))
  if (bytes?.length !== namedBytes + checksumBytes) return undefined
  if (!sameBytes(checksum(bytes.subarray(0, namedBytes)), bytes.subarray(namedBytes))) return undefined
  return toShown(text as ApiKey, bytes)
}

/** Whether the secret shown is the one that is stored. Constant time. */
export const hasSecret = ({ hash }: ShownApiKey, stored: string): boolean =>
  sameBytes(Buffer.from(hash), Buffer.from(stored))

const shownOfId = 12

/** Where the key of this id begins: by that its owner knows it again, and it is no secret. */
export const beginningOf = (id: string): string => prefix + id.slice(0, shownOfId)
