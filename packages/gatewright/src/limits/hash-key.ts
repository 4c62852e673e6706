import { toBase64url } from '../ground/encoding.ts'
import type { Secrets } from '../ground/secrets.ts'

/**
 * Names counters of a shared store: whoever reads it learns nobody's name or address. All processes hold the
 * secret in force; when another one comes into force, counters begin anew.
 */
export const createHashKey =
  (secrets: Secrets, secretInForce: () => string) =>
  (text: string): string => {
    const mac = secrets.mac('limit-counter', secretInForce(), Buffer.from(text))
    if (mac === undefined) throw new TypeError('the secret in force is not held')
    return toBase64url(mac)
  }
