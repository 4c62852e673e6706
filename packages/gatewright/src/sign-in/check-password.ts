import { type Origin, recordEvent } from '../audit/record.ts'
import { addressGroup } from '../ground/address.ts'
import type { QueueCaller } from '../ground/bounded-queue.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { UserRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { type FailedSignIn, noteFailedSignIn, type WatchDependencies } from '../unusual/failed-sign-in.ts'
import type { Password } from '../users/password.ts'
import type { PasswordHash, PasswordHasher } from '../users/password-hasher.ts'
import { countGuess, type ThrottleDependencies, unlessItFails } from './throttle.ts'

export type PasswordDependencies = ThrottleDependencies &
  WatchDependencies & { readonly hasher: PasswordHasher }

/** Who waits in the hashing queue: whoever comes from a known device or has a session is no stranger. */
export const toQueueCaller = (
  { address }: Origin,
  {
    isKnown = false,
    gone,
  }: { readonly isKnown?: boolean | undefined; readonly gone?: AbortSignal | undefined },
): QueueCaller => ({ group: addressGroup(address ?? ''), isKnown, gone })

/** A refused sign-in leaves at the next multiple of this many milliseconds from its start. */
const step = 250

export const waitForStep = (clock: Clock, startedAt: number): Promise<void> =>
  clock.sleep(step - ((clock.monotonic() - startedAt) % step))

/**
 * A refusal by the full hashing queue leaves at such a moment as well: who asks again at once would have the
 * main thread for nothing else.
 */
export const refuseSlowly = async <T>(
  clock: Clock,
  startedAt: number,
  hashing: () => Promise<T>,
): Promise<T> => {
  try {
    return await hashing()
  } catch (error) {
    await waitForStep(clock, startedAt)
    throw error
  }
}

const findFault = (user: UserRow | undefined, matches: boolean): string | undefined => {
  if (user === undefined) return 'unknown_user'
  if (!matches) return 'wrong_password'
  return user.disabled_at === null ? undefined : 'user_disabled'
}

const rehash = async (
  { db, hasher }: PasswordDependencies,
  user: UserRow,
  password: Password,
  caller: QueueCaller,
): Promise<void> => {
  const stored = user.password_hash
  if (stored === null || !hasher.needsRehash(stored as PasswordHash, password)) return
  await db
    .updateTable('users')
    .set({ password_hash: await hasher.hash(password, caller) })
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
  /** Whether it comes from a known device of the user, or from a session. */
  readonly isKnown?: boolean | undefined
  /** No password is looked at from there (`held.ts`). */
  readonly isHeld?: boolean
  /** Aborted when nobody waits for the answer any more. */
  readonly gone?: AbortSignal | undefined
  /** When the sign-in began, on the monotonic clock, where that was before this. */
  readonly startedAt?: number
  /** Told of a no at the verdict, before anything else can fail. */
  readonly onWrong?: (() => void) | undefined
  /** The name as it was typed, at a sign-in from a device that is not known: what it has in common with others is noted. */
  readonly watched?: string | undefined
}

/** Whoever was not checked (the queue is full, say) has not guessed. */
const verify = (
  dependencies: PasswordDependencies,
  { user, password, origin, counted, isKnown, gone }: Attempt,
): Promise<boolean> => {
  const stored = (user?.password_hash ?? undefined) as PasswordHash | undefined
  const caller = toQueueCaller(origin, { isKnown, gone })
  return unlessItFails(dependencies, counted, () => dependencies.hasher.verify(password, stored, caller))
}

const judge = async (
  dependencies: PasswordDependencies,
  attempt: Attempt,
  startedAt: number,
): Promise<string | undefined> => {
  if (attempt.isHeld || !(await countGuess(dependencies, attempt.counted))) return 'throttled'
  const matches = await refuseSlowly(dependencies.clock, startedAt, () => verify(dependencies, attempt))
  return findFault(attempt.user, matches)
}

/** What was not looked at may be right, and what opens a disabled user is: nothing of either is kept. */
const toFailed = ({ user, origin, password }: Attempt, name: string, reason: string): FailedSignIn => ({
  name,
  user,
  origin,
  wrong: reason === 'throttled' ? undefined : { password: reason === 'user_disabled' ? undefined : password },
})

/**
 * The user, if the password is right and the user enabled. Unknown user, wrong password and disabled
 * user cost the same: one hash, one audit row, one answer, at one of the same moments. While throttled,
 * a right password gets that answer as well, and nothing is hashed.
 *
 * The guess is counted before it is checked. Where it was right the caller forgives it, in the transaction of
 * what the password was asked for (`forgive`).
 * @throws Refusal `invalid_credentials`, or `unavailable` when the hashing queue is full
 */
export const checkPassword = async (
  dependencies: PasswordDependencies,
  attempt: Attempt,
): Promise<UserRow> => {
  const { db, clock } = dependencies
  const { user, password, origin, gone, onWrong, startedAt = clock.monotonic() } = attempt
  const fault = await judge(dependencies, attempt, startedAt)
  if (fault === undefined && user !== undefined) {
    const caller = toQueueCaller(origin, { isKnown: true, gone })
    await unlessItFails(dependencies, attempt.counted, () => rehash(dependencies, user, password, caller))
    return user
  }
  onWrong?.()
  const reason = fault ?? 'unknown_user'
  await inTransaction(db, async work => {
    await recordEvent(dependencies, work, 'sign-in.failed', {
      origin,
      ...(user && { userId: user.id }),
      reason,
    })
    if (attempt.watched !== undefined)
      await noteFailedSignIn(dependencies, work, toFailed(attempt, attempt.watched, reason))
  })
  await waitForStep(clock, startedAt)
  throw new Refusal('invalid_credentials', { reason, hasEvent: true })
}
