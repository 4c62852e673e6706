import { randomBytes, randomInt } from 'node:crypto'

/** A value of 256 random bits that nobody else has ever sent. */
export const newNonce = (): string => randomBytes(32).toString('base64url')

/** Half to all of `milliseconds`, so that many who begin together don't stay together. */
export const jitter = (milliseconds: number): number => (milliseconds * (1_000 + randomInt(1_001))) / 2_000
