import { Refusal } from '../ground/refusal.ts'
import { type Locale, locales } from '../users/locale.ts'

export const localeNames = locales.join(', ')

/** @throws Refusal `validation_failed` */
export const getLocale = (named: string | undefined): Locale | undefined => {
  const locale = locales.find(name => name === named)
  if (named === undefined || locale !== undefined) return locale
  throw new Refusal('validation_failed', { errors: [{ path: '/locale', message: `must be ${localeNames}` }] })
}
