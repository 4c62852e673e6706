import type { Problem } from './api/refused.ts'
import { passkeyKnown, passkeyUnused } from './passkeys.ts'
import type { TextName } from './texts/en.ts'

const codes: Readonly<Record<string, TextName>> = {
  invalid_credentials: 'errorInvalidCredentials',
  invalid_mfa_code: 'errorCode',
  [passkeyUnused]: 'errorPasskeyUnused',
  [passkeyKnown]: 'errorPasskeyKnown',
  username_taken: 'errorUsernameTaken',
  password_too_short: 'errorPasswordTooShort',
  password_blocklisted: 'errorPasswordBlocklisted',
  rate_limited: 'errorRateLimited',
  unavailable: 'errorUnavailable',
  unreachable: 'errorUnreachable',
  invalid_token: 'errorSessionEnded',
  session_ended: 'errorSessionEnded',
  csrf_failed: 'errorOtherAddress',
  insufficient_permission: 'errorForbidden',
  invalid_link: 'linkBroken',
  not_found: 'errorGone',
}

const fields: ReadonlyMap<string, TextName> = new Map([
  ['username', 'errorUsername'],
  ['email', 'errorEmail'],
  ['password', 'errorPassword'],
  ['new_password', 'errorPassword'],
  ['current_password', 'errorPassword'],
  ['token', 'linkBroken'],
  ['roles', 'errorRoles'],
  ['permission', 'errorAsked'],
  ['route', 'errorAsked'],
  ['name', 'errorName'],
  ['allowed_addresses', 'errorAddresses'],
  ['permissions', 'errorPermissions'],
  ['user', 'errorSearched'],
  ['address', 'errorSearched'],
  ['from', 'errorSearched'],
  ['until', 'errorSearched'],
])

/** What the server says, in English, of a new password that is none. */
const samePassword = 'Choose another than the one you have.'

const isSamePassword = ({ errors = [] }: Problem): boolean =>
  errors.some(({ message }) => message === samePassword)

/** The fields that it is about; none where it is about the whole. */
export const fieldsOf = ({ code, errors = [] }: Problem): readonly string[] =>
  code === 'username_taken' ? ['username'] : errors.map(({ path }) => path.split('/')[1] ?? '')

/** What went wrong with this field, or with the whole, in words that a person can act on. */
export const toTextName = (problem: Problem, field = fieldsOf(problem)[0] ?? ''): TextName => {
  if (isSamePassword(problem)) return 'errorPasswordSame'
  return (problem.code === 'validation_failed' ? fields.get(field) : codes[problem.code]) ?? 'errorOther'
}
