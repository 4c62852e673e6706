import { pbkdf2Sync, scryptSync } from 'node:crypto'
import { sameBytes } from '../ground/encoding.ts'
import type { HashFormat } from './hash-format.ts'
import type { Password } from './password.ts'

/** The bytes of a password's key. */
type Derive = (password: Password) => Buffer

/** What was stored, and how the same is computed. */
type Parsed = { readonly key: Buffer; readonly derive: Derive }

/** Bytes of the output, by the digest's name. */
const digests = { sha1: 20, sha256: 32, sha512: 64 } as const
type Digest = keyof typeof digests
const isDigest = (name: string): name is Digest => Object.hasOwn(digests, name)

/** About half a second of one thread with SHA-256; Django and Werkzeug ask for a million. */
const mostIterations = 2_000_000

/** About 0.7 s of one thread, and 128 MiB. Both programs take 32 MiB or less. */
const scryptBounds = { work: 2 ** 21, memory: 2 ** 27 } as const

const deriveByPbkdf2 = (digest: string, iterations: number, salt: string): Derive | undefined => {
  if (!isDigest(digest) || iterations > mostIterations) return undefined
  return password => pbkdf2Sync(password, salt, iterations, digests[digest], digest)
}

const scryptBytes = 64

const deriveByScrypt = (N: number, r: number, p: number, salt: string): Derive | undefined => {
  const isPowerOfTwo = N > 1 && Number.isInteger(Math.log2(N))
  const isBounded = N * r * p <= scryptBounds.work && 128 * r * (N + p) <= scryptBounds.memory
  // RFC 7914 §2: N is below 2^(128 · r / 8).
  if (Math.log2(N) >= 16 * r) return undefined
  if (!isPowerOfTwo || !isBounded) return undefined
  const costs = { N, r, p, maxmem: 2 * scryptBounds.memory }
  return password => scryptSync(password, salt, scryptBytes, costs)
}

/** The salt is hashed as the text that it is. */
const salt = String.raw`([\x21-\x23\x25-\x7e]{1,128})`
const number = String.raw`([1-9]\d{0,6})`
const hex = '((?:[0-9a-f]{2}){20,64})'
const base64 = '([A-Za-z0-9+/]{27,86}={0,2})'

/** How a program writes its hashes; the groups of the pattern in the order in which `parse` takes them. */
const formats = [
  {
    name: 'PBKDF2 as Werkzeug writes it',
    pattern: new RegExp(String.raw`^pbkdf2:(\w{1,20}):${number}\$${salt}\$${hex}$`),
    parse: ([digest = '', iterations = '', text = '', key = '']: readonly string[]) =>
      parsed(deriveByPbkdf2(digest, Number(iterations), text), fromHex(key)),
  },
  {
    name: 'scrypt as Werkzeug writes it',
    pattern: new RegExp(String.raw`^scrypt:${number}:${number}:${number}\$${salt}\$${hex}$`),
    parse: ([N = '', r = '', p = '', text = '', key = '']: readonly string[]) =>
      parsed(deriveByScrypt(Number(N), Number(r), Number(p), text), fromHex(key)),
  },
  {
    name: 'PBKDF2 as Django writes it',
    pattern: new RegExp(String.raw`^pbkdf2_(\w{1,20})\$${number}\$${salt}\$${base64}$`),
    parse: ([digest = '', iterations = '', text = '', key = '']: readonly string[]) =>
      parsed(deriveByPbkdf2(digest, Number(iterations), text), fromBase64(key)),
  },
  {
    name: 'scrypt as Django writes it',
    pattern: new RegExp(String.raw`^scrypt\$${number}\$${salt}\$${number}\$${number}\$${base64}$`),
    parse: ([N = '', text = '', r = '', p = '', key = '']: readonly string[]) =>
      parsed(deriveByScrypt(Number(N), Number(r), Number(p), text), fromBase64(key)),
  },
] as const

const parsed = (derive: Derive | undefined, key: Buffer | undefined): Parsed | undefined =>
  derive && key && { derive, key }

const fromHex = (text: string): Buffer => Buffer.from(text, 'hex')

/** The one canonical spelling only. */
const fromBase64 = (text: string): Buffer | undefined => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/**
 * Keys derived by PBKDF2 (RFC 8018) and scrypt (RFC 7914) as the two frameworks of Python store them. Each is
 * made anew at the next sign-in.
 */
export const derivedKeyFormats: readonly HashFormat[] = formats.map(({ name, pattern, parse }) => ({
  name,
  read: stored => {
    const [, ...parts] = pattern.exec(stored) ?? []
    const found = parts.length > 0 ? parse(parts) : undefined
    return (
      found && {
        verify: password => sameBytes(found.derive(password), found.key),
        needsRehash: () => true,
      }
    )
  },
}))
