import type { Random } from '../ground/random.ts'
import { hashCookieSecret, isCookieSecret, newCookieSecret, type SecretHash } from './cookie-secret.ts'

/** What the cookie holds by which a browser is known again: it signs nobody in. */
export type DeviceSecret = string & { readonly brand: 'device secret' }

const prefix = 'gwd_'

export const newDeviceSecret = (random: Random): DeviceSecret =>
  newCookieSecret(prefix, random) as DeviceSecret

/** The secret, if the text is one in form; undefined otherwise. */
export const parseDeviceSecret = (text: string): DeviceSecret | undefined =>
  isCookieSecret(prefix, text) ? (text as DeviceSecret) : undefined

export const hashDeviceSecret = (secret: DeviceSecret): SecretHash => hashCookieSecret(secret)
