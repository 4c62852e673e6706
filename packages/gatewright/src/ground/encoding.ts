import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'

export const toBase64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/**
 * The bytes of a base64url text (RFC 4648 §5, no padding), or undefined.
 * Node.js decodes leniently; only the one canonical spelling of some bytes is taken here,
 * so that no secret has two spellings.
 */
export const fromBase64url = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

/** HMAC-SHA256 in base64url, by a key that nobody but who checks has. */
export const hmacSha256 = (key: Uint8Array, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url')

/** SHA-256 in base64url: how a random secret of 112 bits or more is stored. */
export const sha256 = (text: string | Uint8Array): string => hash('sha256', text, 'base64url')

/** SHA-256 of what comes in parts. */
export const startSha256 = (): { readonly add: (part: Uint8Array) => void; readonly end: () => Buffer } => {
  const running = createHash('sha256')
  return { add: part => void running.update(part), end: () => running.digest() }
}

/**
 * SHA-1 in capital hexadecimal, for one purpose: the services that know stolen passwords list them by it. It
 * protects nothing here.
 */
export const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex').toUpperCase()

/** Four bytes by which a mistyped or cut-off secret is told from a wrong one before any look-up. */
export const checksum = (bytes: Uint8Array): Buffer => {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum
}

/** Constant-time comparison; different lengths are different. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && timingSafeEqual(a, b)
