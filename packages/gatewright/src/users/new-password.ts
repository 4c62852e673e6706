import { type Origin, recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Settings } from '../ground/settings.ts'
import type { UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import type { BreachCheck, BreachNote } from './breach-check.ts'
import { type NamesOfService, type NamesOfUser, ownWords } from './own-words.ts'
import { checkPasswordLength, type Password } from './password.ts'
import type { PasswordHash } from './password-hasher.ts'
import type { PasswordStrength } from './password-strength.ts'
import { leastScore, leastScoreBesideFactor, type Strength } from './strength.ts'

/** What a new password is judged by. */
export type NewPasswordDependencies = NamesOfService & {
  readonly settings: Pick<Settings, 'passwordMinLength' | 'appName'>
  readonly strength: PasswordStrength
  readonly breaches: BreachCheck
}

/** What is enough for whoever shows a second factor as well (NIST SP 800-63B-4 §3.1.1.2). */
const leastBesideFactor = 8

type Length = {
  /** The field's JSON pointer, for the refusal. */
  readonly path: string
  /** Whether the user has a second factor at this moment. */
  readonly hasFactor?: boolean
}

const checkLength = (
  { settings }: { readonly settings: Pick<Settings, 'passwordMinLength'> },
  candidate: Password,
  { path, hasFactor = false }: Length,
): void => {
  const { passwordMinLength: alone } = settings
  checkPasswordLength(candidate, { minLength: hasFactor ? Math.min(leastBesideFactor, alone) : alone, path })
}

/**
 * Every door that sets a password stores it by this.
 * @param asksReview the owner is asked whether what outlives this is the own
 */
export const storePassword = async (
  { db, beforeLock }: Work,
  {
    userId,
    hash,
    needsFactor,
    asksReview = false,
  }: {
    readonly userId: string
    readonly hash: PasswordHash
    readonly needsFactor: boolean
    readonly asksReview?: boolean
  },
): Promise<void> => {
  beforeLock('user')
  await db
    .updateTable('users')
    .set({
      password_hash: hash,
      former_password_hash: null,
      password_needs_factor: Number(needsFactor),
      password_change_due: 0,
      ...(asksReview && { review_due: 1 }),
    })
    .where('id', '=', userId)
    .execute()
}

/**
 * Takes a password away that somebody else may have: it opens nothing from now on, and what is set next must be
 * another one.
 */
export const takePassword = async (
  { db, beforeLock }: Work,
  userId: string,
  and: Partial<Pick<UserRow, 'password_change_due' | 'review_due'>>,
): Promise<void> => {
  beforeLock('user')
  await db
    .updateTable('users')
    .set(({ fn }) => ({
      former_password_hash: fn.coalesce('password_hash', 'former_password_hash'),
      password_hash: null,
      ...and,
    }))
    .where('id', '=', userId)
    .execute()
}

const refuseGuessable = (
  { score, warning, suggestions }: Strength,
  { path, hasFactor = false }: Length,
): void => {
  if (score >= (hasFactor ? leastScoreBesideFactor : leastScore)) return
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
  { path, hasFactor = false, ...user }: NamesOfUser & Length,
): Promise<BreachNote | undefined> => {
  const { strength, breaches } = dependencies
  checkLength(dependencies, candidate, { path, hasFactor })
  refuseGuessable(await strength.measure(candidate, ownWords(user, dependencies)), { path, hasFactor })
  return breaches.check(candidate, path)
}

/** Whether a password that is enough beside a second factor is too short, or too easily guessed, to be alone. */
export const needsFactor = async (
  dependencies: NewPasswordDependencies,
  candidate: Password,
  user: NamesOfUser,
): Promise<boolean> => {
  if ([...candidate].length < dependencies.settings.passwordMinLength) return true
  const { score } = await dependencies.strength.measure(candidate, ownWords(user, dependencies))
  return score < leastScore
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
