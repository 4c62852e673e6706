import { type FieldError, Refusal } from '../ground/refusal.ts'

declare const password: unique symbol

/** A password as it is hashed: NFC, at most 1,024 bytes. Made by {@link parsePassword} only. */
export type Password = string & { readonly [password]: true }

const mostBytes = 1_024

/**
 * A password from the outside, for checking and for setting. Unicode NFC (NIST SP 800-63B-4
 * §3.1.1.2) and nothing else: no trimming, no cutting, no change of case. More than 1,024 bytes of
 * UTF-8, or half a surrogate pair (all of which UTF-8 would make one character), is refused with
 * `validation_failed`, before any hash runs.
 *
 * @param path the field's JSON pointer, for the refusal.
 *
 *     parsePassword('correct horse battery staple')
 *     parsePassword(body.new_password, '/new_password')
 */
export const parsePassword = (text: string, path = '/password'): Password => {
  if (!text.isWellFormed()) throw invalid(path, 'must be well-formed Unicode')
  const composed = text.normalize('NFC')
  if (Buffer.byteLength(composed) > mostBytes) throw invalid(path, `at most ${mostBytes} bytes`)
  return composed as Password
}

const invalid = (path: string, message: string): Refusal =>
  new Refusal('validation_failed', { errors: [{ path, message }] })

/** See {@link checkPasswordLength}. */
export type PasswordLengthRules = {
  /** Unicode code points. */
  readonly minLength: number
  /** The field's JSON pointer, for the refusal. */
  readonly path: string
}

/** What is wrong with a new password, for a refusal that is about more than the password. */
export const findPasswordErrors = (
  candidate: Password,
  { minLength, path }: PasswordLengthRules,
): readonly FieldError[] =>
  [...candidate].length < minLength ? [{ path, message: `at least ${minLength} characters` }] : []

/**
 * Refuses a new password that is too short with `password_too_short`. What else is asked of one:
 * `new-password.ts`.
 *
 *     checkPasswordLength(parsePassword(body.password), { minLength: 15, path: '/password' })
 */
export const checkPasswordLength = (candidate: Password, rules: PasswordLengthRules): void => {
  const errors = findPasswordErrors(candidate, rules)
  if (errors.length > 0) throw new Refusal('password_too_short', { errors })
}
