import { checksum, fromBase64url, sameBytes, toBase64url } from '../ground/encoding.ts'
import { type Secrets, secretIdBytes } from '../ground/secrets.ts'
import type { SessionRow } from '../storage/tables.ts'

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

/** What of a session its tokens follow from. Without a word on the secret: the newest makes, each is good. */
type SessionKey = Pick<SessionRow, 'id' | 'refresh_key'> &
  Partial<Pick<SessionRow, 'generation' | 'secret_id' | 'former_secret_id'>>

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

/**
 * The secret that the token of a generation was made with: noted for the two that can still be good, and
 * undefined for others.
 */
export const secretIdOfGeneration = (session: SessionKey, generation: number): string | undefined => {
  if (generation === session.generation) return session.secret_id ?? undefined
  if (generation + 1 !== session.generation) return undefined
  return session.former_secret_id ?? session.secret_id ?? undefined
}

/**
 * The token of a session's live generation: always the same text, whichever process makes it, so none need
 * be kept.
 */
export const makeRefreshToken = (secrets: Secrets, session: SessionKey, generation: number): string => {
  const secretId = session.secret_id ?? secrets.newestId
  const mac = macOf(secrets, secretId, session, generation)
  if (mac === undefined) throw new TypeError(`the secret ${secretId} of the session is not held`)
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

/**
 * Whether we made this token for this session, whatever its generation. Constant time. One of a generation
 * that can still be good must be of the very secret that is noted: what somebody makes with another, which
 * leaked, is not ours.
 */
export const hasGoodMac = (secrets: Secrets, session: SessionKey, token: RefreshToken): boolean => {
  const mac = macOf(secrets, token.secretId, session, token.generation)
  const noted = secretIdOfGeneration(session, token.generation) ?? token.secretId
  return (
    token.sessionId === session.id &&
    token.secretId === noted &&
    mac !== undefined &&
    sameBytes(mac, token.mac)
  )
}
