import { HOTP, Secret, TOTP } from 'otpauth'
import { second } from '../ground/clock.ts'
import { sameBytes } from '../ground/encoding.ts'
import type { Random } from '../ground/random.ts'

/** What authenticator apps take without being told: RFC 6238 with HMAC-SHA-1, 6 digits, a new code each 30 seconds. */
const form = { algorithm: 'SHA1', digits: 6 } as const
const period = 30 * second

/** As long as the hash (RFC 4226 §4, R6): 160 bits. */
const secretBytes = 20

/** How many steps a clock may be ahead or behind (RFC 6238 §5.2). */
const drift = 1

export type TotpSecret = Uint8Array

export const newTotpSecret = (random: Random): TotpSecret => random.bytes(secretBytes)

const toSecret = (bytes: TotpSecret): Secret => new Secret({ buffer: Uint8Array.from(bytes).buffer })

/** The number of the time step (RFC 6238 §4.2) at a moment in milliseconds. */
export const stepAt = (now: number): number => Math.floor(now / period)

/** The code of a step. */
export const codeOf = (secret: TotpSecret, step: number): string =>
  HOTP.generate({ ...form, secret: toSecret(secret), counter: step })

/** A code as people type it: groups apart, or with a hyphen between. */
const normalise = (typed: string): Buffer => Buffer.from(typed.replace(/[\s-]/g, ''))

export type Match = { readonly step: number } | 'replayed' | 'wrong'

/**
 * Which step a code is of, one before and one after the present one included. A code of a step that is not
 * after the last one taken is a replay, whoever shows it. Every step is compared, in constant time.
 */
export const matchCode = (
  secret: TotpSecret,
  typed: string,
  { now, lastStep }: { readonly now: number; readonly lastStep: number },
): Match => {
  const shown = normalise(typed)
  const present = stepAt(now)
  const steps = Array.from({ length: 2 * drift + 1 }, (_, at) => present - drift + at)
  const matching = steps.filter(step => sameBytes(Buffer.from(codeOf(secret, step)), shown))
  if (matching.length === 0) return 'wrong'
  const step = matching.find(each => each > lastStep)
  return step === undefined ? 'replayed' : { step }
}

export type Provisioning = { readonly secret: string; readonly uri: string }

/** What an authenticator app is given: the secret to type, and the address that its QR code holds. */
export const toProvisioning = (
  secret: TotpSecret,
  { issuer, label }: { readonly issuer: string; readonly label: string },
): Provisioning => {
  const totp = new TOTP({ ...form, period: period / second, issuer, label, secret: toSecret(secret) })
  return { secret: totp.secret.base32, uri: totp.toString() }
}
