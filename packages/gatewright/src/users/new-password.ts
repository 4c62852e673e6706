import { type Origin, recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Settings } from '../ground/settings.ts'
import type { Work } from '../storage/transaction.ts'
import type { BreachCheck, BreachNote } from './breach-check.ts'
import { type NamesOfService, type NamesOfUser, ownWords } from './own-words.ts'
import { checkPasswordLength, type Password } from './password.ts'
import type { PasswordStrength } from './password-strength.ts'
import { leastScore, type Strength } from './strength.ts'

/** What a new password is judged by. */
export type NewPasswordDependencies = NamesOfService & {
  readonly settings: Pick<Settings, 'passwordMinLength' | 'appName'>
  readonly strength: PasswordStrength
  readonly breaches: BreachCheck
}

const refuseGuessable = ({ score, warning, suggestions }: Strength, path: string): void => {
  if (score >= leastScore) return
  const message = [warning, ...suggestions].filter(Boolean).join(' ')
  throw new Refusal('password_blocklisted', { reason: 'guessable_password', errors: [{ path, message }] })
}

/**
 * Every door that sets a password asks this first: length, how easily it is guessed, and what BREACH_CHECK says.
 * No rules of composition (NIST SP 800-63B-4 §3.1.1.2).
 * @param path the field's JSON pointer, for the refusal
 * @returns what is to be noted once it is set, by {@link noteBreach}
 * @throws Refusal `password_too_short`, `password_blocklisted`, `unavailable`
 */
export const checkNewPassword = async (
  dependencies: NewPasswordDependencies,
  candidate: Password,
  { path, ...user }: NamesOfUser & { readonly path: string },
): Promise<BreachNote | undefined> => {
  const { settings, strength, breaches } = dependencies
  checkPasswordLength(candidate, { minLength: settings.passwordMinLength, path })
  refuseGuessable(await strength.measure(candidate, ownWords(user, dependencies)), path)
  return breaches.check(candidate, path)
}

/** Records, in the transaction that sets the password, what was noted of it. */
export const noteBreach = async (
  dependencies: { readonly clock: Clock },
  work: Work,
  note: BreachNote | undefined,
  { origin, userId }: { readonly origin: Origin; readonly userId: string },
): Promise<void> => {
  if (note !== undefined)
    await recordEvent(dependencies, work, 'password.taken-with-doubt', { origin, userId, reason: note })
}
