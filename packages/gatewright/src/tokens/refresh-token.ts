import { checksum, fromBase64url, sameBytes, toBase64url } from '../ground/encoding.ts'
import { type Secrets, secretIdBytes } from '../ground/secrets.ts'

/**
 * Refresh tokens: `gwr_` and, in base64url, secret id ‖ session id ‖ generation ‖ MAC ‖ checksum.
 *
 * No token is stored. The MAC is keyed by the secret and covers a random value of the session's row,
 * so neither the secret nor the database alone can make one. Which generation is good is the
 * session's business (`sessions/refresh.ts`).
 */
export type RefreshToken = {
  readonly secretId: string
  readonly sessionId: string
  readonly generation: number
  readonly mac: Buffer
}

const prefix = 'gwr_'
const sessionIdBytes = 16
const generationBytes = 4
const macBytes = 32
const checksumBytes = 4
const signedBytes = secretIdBytes + sessionIdBytes + generationBytes
const totalBytes = signedBytes + macBytes + checksumBytes

type SessionKey = { readonly id: string; readonly refresh_key: string }

const toSigned = (secretId: string, sessionId: string, generation: number): Buffer => {
  const number = Buffer.alloc(generationBytes)
  number.writeUInt32BE(generation)
  return Buffer.concat([Buffer.from(secretId, 'base64url'), Buffer.from(sessionId, 'base64url'), number])
}

const macOf = (
  secrets: Secrets,
  secretId: string,
  session: SessionKey,
  generation: number,
): Buffer | undefined => {
  const signed = toSigned(secretId, session.id, generation)
  return secrets.mac(
    'refresh-token',
    secretId,
    Buffer.concat([Buffer.from(session.refresh_key, 'base64url'), signed]),
  )
}

/** The token of a session's generation: always the same text for the same secret, so none need be kept. */
export const makeRefreshToken = (secrets: Secrets, session: SessionKey, generation: number): string => {
  const secretId = secrets.newestId
  const mac = macOf(secrets, secretId, session, generation)
  if (mac === undefined) throw new TypeError('the newest secret is always held')
  const bytes = Buffer.concat([toSigned(secretId, session.id, generation), mac])
  return prefix + toBase64url(Buffer.concat([bytes, checksum(bytes)]))
}

/** Whether a text means to be a refresh token, well-formed or not. */
export const isRefreshToken = (text: string): boolean => text.startsWith(prefix)

/** The parts of a well-formed token, or undefined. Says nothing yet about its MAC. */
export const parseRefreshToken = (text: string): RefreshToken | undefined => {
  if (!isRefreshToken(text)) return undefined
  const bytes = fromBase64url(text.slice(prefix.length))
  if (bytes?.length !== totalBytes) return undefined
  if (!sameBytes(checksum(bytes.subarray(0, -checksumBytes)), bytes.subarray(-checksumBytes)))
    return undefined
  return {
    secretId: toBase64url(bytes.subarray(0, secretIdBytes)),
    sessionId: toBase64url(bytes.subarray(secretIdBytes, secretIdBytes + sessionIdBytes)),
    generation: bytes.readUInt32BE(secretIdBytes + sessionIdBytes),
    mac: bytes.subarray(signedBytes, signedBytes + macBytes),
  }
}

/** Whether we made this token for this session, whatever its generation. Constant time. */
export const hasGoodMac = (secrets: Secrets, session: SessionKey, token: RefreshToken): boolean => {
  const mac = macOf(secrets, token.secretId, session, token.generation)
  return token.sessionId === session.id && mac !== undefined && sameBytes(mac, token.mac)
}
