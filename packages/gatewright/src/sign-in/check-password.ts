import { type Origin, recordEvent } from '../audit/record.ts'
import { Refusal } from '../ground/refusal.ts'
import type { UserRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Password } from '../users/password.ts'
import type { PasswordHash, PasswordHasher } from '../users/password-hasher.ts'
import { countGuess, type ThrottleDependencies, unlessItFails } from './throttle.ts'

export type PasswordDependencies = ThrottleDependencies & { readonly hasher: PasswordHasher }

/** A refused sign-in leaves at the next multiple of this many milliseconds from its start. */
const step = 250

const findFault = (user: UserRow | undefined, matches: boolean): string | undefined => {
  if (user === undefined) return 'unknown_user'
  if (!matches) return 'wrong_password'
  return user.disabled_at === null ? undefined : 'user_disabled'
}

const rehash = async (
  { db, hasher }: PasswordDependencies,
  user: UserRow,
  password: Password,
): Promise<void> => {
  const stored = user.password_hash
  if (stored === null || !hasher.needsRehash(stored as PasswordHash)) return
  await db
    .updateTable('users')
    .set({ password_hash: await hasher.hash(password) })
    .where('id', '=', user.id)
    .where('password_hash', '=', stored)
    .execute()
}

export type Attempt = {
  readonly user: UserRow | undefined
  readonly password: Password
  readonly origin: Origin
  /** What is guessed at (`throttle-keys.ts`). */
  readonly counted: readonly string[]
}

/** Whoever was not checked (the queue is full, say) has not guessed. */
const verify = (
  dependencies: PasswordDependencies,
  { user, password, counted }: Attempt,
): Promise<boolean> => {
  const stored = (user?.password_hash ?? undefined) as PasswordHash | undefined
  return unlessItFails(dependencies, counted, () => dependencies.hasher.verify(password, stored))
}

const judge = async (dependencies: PasswordDependencies, attempt: Attempt): Promise<string | undefined> =>
  (await countGuess(dependencies, attempt.counted))
    ? findFault(attempt.user, await verify(dependencies, attempt))
    : 'throttled'

/**
 * The user, if the password is right and the user enabled. Unknown user, wrong password and disabled
 * user cost the same: one hash, one audit row, one answer, at one of the same moments. While throttled,
 * a right password gets that answer as well, and nothing is hashed.
 *
 * The guess is counted before it is checked. Where it was right the caller forgives it, in the transaction of
 * what the password was asked for (`forgive`).
 * @throws Refusal `invalid_credentials`
 */
export const checkPassword = async (
  dependencies: PasswordDependencies,
  attempt: Attempt,
): Promise<UserRow> => {
  const { db, clock } = dependencies
  const { user, password, origin } = attempt
  const startedAt = clock.monotonic()
  const fault = await judge(dependencies, attempt)
  if (fault === undefined && user !== undefined) {
    await unlessItFails(dependencies, attempt.counted, () => rehash(dependencies, user, password))
    return user
  }
  await inTransaction(db, work =>
    recordEvent(dependencies, work, 'sign-in.failed', {
      origin,
      ...(user && { userId: user.id }),
      reason: fault ?? 'unknown_user',
    }),
  )
  await clock.sleep(step - ((clock.monotonic() - startedAt) % step))
  throw new Refusal('invalid_credentials', { reason: fault ?? 'unknown_user', hasEvent: true })
}
