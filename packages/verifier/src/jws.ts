import type { PublicKey } from './algorithms.ts'

/** What is signed is refused for one reason each; the caller makes of it what it is at its place. */
export class JwsError extends Error {
  override readonly name = 'JwsError'
}

export type Members = Readonly<Record<string, unknown>>

/** Only the one spelling of some bytes is taken: Node.js reads several texts as the same bytes. */
const decode = (part: string): Buffer => {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw new JwsError('encoding')
  return bytes
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The members of a part, spelled as `JSON.stringify` spells them: so no name stands twice, no number is
 * written in another way, and no two readers can read it differently.
 */
const parsePart = (bytes: Buffer): Members => {
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isObject && JSON.stringify(value) === text) return value as Members
  } catch {
    // Said below: the error quotes the text.
  }
  throw new JwsError('json')
}

export type Expected = {
  /** Characters. */
  readonly most: number
  readonly typ: string
  readonly findKey: (kid: string) => Promise<PublicKey | undefined>
}

const headerMembers = ['alg', 'typ', 'kid']

const checkHeader = (header: Members, typ: string): string => {
  if (Object.keys(header).some(name => !headerMembers.includes(name))) throw new JwsError('header')
  if (header.typ !== typ) throw new JwsError('type')
  if (typeof header.kid !== 'string') throw new JwsError('key')
  return header.kid
}

/**
 * What a JWS in compact form (RFC 7515 §7.1) says, and the key that signed it. A header with any member but
 * `alg`, `typ` and `kid` is refused, so `crit`, `jwk`, `jku` and `x5u` are; the key knows its one algorithm.
 * @throws JwsError
 */
export const readJws = async (
  text: string,
  { most, typ, findKey }: Expected,
): Promise<{ readonly members: Members; readonly key: PublicKey }> => {
  if (text.length > most) throw new JwsError('too_long')
  const parts = text.split('.')
  if (parts.length !== 3) throw new JwsError('parts')
  const [head, body, signature] = parts.map(decode) as [Buffer, Buffer, Buffer]
  const header = parsePart(head)
  const key = await findKey(checkHeader(header, typ))
  if (key === undefined) throw new JwsError('key')
  if (header.alg !== key.algorithm) throw new JwsError('algorithm')
  const signed = Buffer.from(text.slice(0, text.lastIndexOf('.')))
  if (!key.isGood(signed, signature)) throw new JwsError('signature')
  return { members: parsePart(body), key }
}
