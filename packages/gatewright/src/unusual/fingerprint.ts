import { type Clock, day } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Processes } from '../processes/processes.ts'
import type { Password } from '../users/password.ts'

export type MarkHashing = {
  readonly clock: Pick<Clock, 'now'>
  readonly secrets: Pick<Secrets, 'mac'>
  readonly processes: Pick<Processes, 'lastSecretInForce'>
}

/** A keyed hash of the day: neither can be told again tomorrow, nor by whoever lacks the secret. */
const hash = ({ clock, secrets, processes }: MarkHashing, ...parts: readonly string[]): Buffer => {
  const id = processes.lastSecretInForce()
  const data = JSON.stringify([Math.floor(clock.now() / day), ...parts])
  const hashed = secrets.mac('unusual-sign-in', id, Buffer.from(data))
  if (hashed === undefined) throw new TypeError(`the secret ${id} is not held`)
  return hashed
}

/** So many bytes are kept where a mark only has to be told from others. */
const markBytes = 12

/** What is kept of an address group, or of whom a sign-in was tried at. */
export const hideMark = (hashing: MarkHashing, kind: string, text: string): string =>
  hash(hashing, kind, text).subarray(0, markBytes).toString('base64url')

/** How many wrong passwords can be told apart. */
const fingerprints = 256

const toSubject = ({ clock }: Pick<MarkHashing, 'clock'>, fingerprint: number): string =>
  `password.${Math.floor(clock.now() / day)}.${fingerprint}`

/**
 * What is kept of a wrong password: eight bits of a keyed hash of the day. Of all passwords one in 256 has the same,
 * so nobody guesses a password by them, the secret in hand or not; and one that many have typed stands out.
 * @param password undefined where nothing of it may be kept: then any of them, so that the row is there
 */
export const fingerprintOf = (
  hashing: MarkHashing & { readonly random: Random },
  password: Password | undefined,
): number => (password === undefined ? hashing.random.bytes(1) : hash(hashing, 'password', password))[0] ?? 0

export const passwordSubject = toSubject

/** Eight bits of whom it was tried at, others for each fingerprint: enough to tell fifteen apart, and no name. */
export const hideTarget = (hashing: MarkHashing, fingerprint: number, target: string): string =>
  String(hash(hashing, 'target', String(fingerprint), target)[0])

/** The fingerprints that are compared with one: so many others, which stand for all. */
const compared = 8

export const othersThan = (fingerprint: number): readonly number[] =>
  Array.from({ length: compared }, (_, n) => (fingerprint + (n + 1) * 29) % fingerprints)
