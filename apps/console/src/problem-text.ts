import type { Problem } from './api/refused.ts'
import type { TextName } from './texts/en.ts'

const codes: Readonly<Record<string, TextName>> = {
  invalid_credentials: 'errorInvalidCredentials',
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
  // Routes that links of a mail lead to are not there where no mail is sent.
  not_found: 'linkBroken',
  method_not_allowed: 'linkBroken',
}

const fields: ReadonlyMap<string, TextName> = new Map([
  ['username', 'errorUsername'],
  ['email', 'errorEmail'],
  ['password', 'errorPassword'],
  ['new_password', 'errorPassword'],
  ['current_password', 'errorPassword'],
  ['token', 'linkBroken'],
])

/** What went wrong, in words that a person can act on. */
export const toTextName = ({ code, errors }: Problem): TextName =>
  (code === 'validation_failed' ? fields.get(errors?.[0]?.path.slice(1) ?? '') : codes[code]) ?? 'errorOther'

/** The field that it is about; undefined where it is about none, or about one that a person does not fill in. */
export const fieldOf = ({ code, errors }: Problem): string | undefined =>
  code === 'username_taken' ? 'username' : errors?.[0]?.path.slice(1)
