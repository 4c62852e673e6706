import { hideText, type Secrets } from '../ground/secrets.ts'

/**
 * Names counters of a shared store: whoever reads it learns nobody's name or address. All processes hold the
 * secret in force; when another one comes into force, counters begin anew.
 */
export const createHashKey =
  (secrets: Secrets, secretInForce: () => string) =>
  (text: string): string =>
    hideText(secrets, 'limit-counter', secretInForce(), text)
