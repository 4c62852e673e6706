import { type Origin, recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Password } from '../users/password.ts'
import type { PasswordHash, PasswordHasher } from '../users/password-hasher.ts'

export type PasswordDependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly hasher: PasswordHasher
}

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
  if (stored === null || !hasher.needsRehash(stored as PasswordHash, password)) return
  await db
    .updateTable('users')
    .set({ password_hash: await hasher.hash(password) })
    .where('id', '=', user.id)
    .where('password_hash', '=', stored)
    .execute()
}

/**
 * The user, if the password is right and the user enabled. Unknown user, wrong password and disabled
 * user cost the same: one hash, one audit row, one answer, at one of the same moments.
 * @throws Refusal `invalid_credentials`
 */
export const checkPassword = async (
  dependencies: PasswordDependencies,
  {
    user,
    password,
    origin,
  }: { readonly user: UserRow | undefined; readonly password: Password; readonly origin: Origin },
): Promise<UserRow> => {
  const { db, clock, hasher } = dependencies
  const startedAt = clock.monotonic()
  const matches = await hasher.verify(
    password,
    (user?.password_hash ?? undefined) as PasswordHash | undefined,
  )
  const fault = findFault(user, matches)
  if (fault === undefined && user !== undefined) {
    await rehash(dependencies, user, password)
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
