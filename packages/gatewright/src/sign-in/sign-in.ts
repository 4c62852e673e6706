import { Refusal } from '../ground/refusal.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Password } from '../users/password.ts'
import { findUserByName } from '../users/users.ts'
import { checkPassword, type PasswordDependencies, refuseSlowly, toQueueCaller } from './check-password.ts'
import {
  type Arrival,
  deviceOf,
  type FinishDependencies,
  finishSignIn,
  giveFinished,
  type Started,
} from './finish-sign-in.ts'
import { isHeld, tellOfHold } from './held.ts'
import { giveBack, unlessItFails } from './throttle.ts'
import { deviceKey, strangerKeys } from './throttle-keys.ts'

export type SignInDependencies = FinishDependencies & PasswordDependencies

/** How often the credential is checked again when the user changed meanwhile. */
const attempts = 3

/** A sign-in that was asked for. */
export type SignIn = Arrival & {
  readonly name: string
  readonly password: Password
  /** Aborted when nobody waits for the answer any more. */
  readonly gone?: AbortSignal | undefined
  /** Told when the password was judged wrong (or the guess throttled), whatever fails after that. */
  readonly onWrong?: (() => void) | undefined
}

/**
 * Starts a session for whoever knows the password of the user that `name` (a username or a verified
 * e-mail address) means, unless a second factor is due.
 * @throws Refusal `invalid_credentials`, `mfa_required`, or `unavailable` when the hashing queue is full
 */
export const signIn = async (dependencies: SignInDependencies, asked: SignIn): Promise<Started> => {
  const { name, password, origin, gone, browser, onWrong } = asked
  const { clock, hasher } = dependencies
  // Before it costs a query: while the queue is full, most of a flood ends here.
  const caller = toQueueCaller(origin, { isKnown: browser?.known !== undefined, gone })
  const startedAt = clock.monotonic()
  await refuseSlowly(clock, startedAt, async () => hasher.check(caller))
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await findUserByName(dependencies.db, name)
    const known = deviceOf(asked, found)
    // What of this user it is a guess at: a known device has a counter of its own.
    const counted = known === undefined ? strangerKeys(dependencies, name, found) : [deviceKey(known.id)]
    const ofUser = counted[1] ?? ''
    const held = known === undefined && (await isHeld(dependencies, found, ofUser))
    if (held && found !== undefined) await tellOfHold(dependencies, found, { counted: ofUser, origin })
    const who = { user: found, isKnown: known !== undefined, isHeld: held }
    const watched = known === undefined ? name : undefined
    const shown = { ...who, password, origin, counted, gone, onWrong, startedAt, watched }
    const user = await checkPassword(dependencies, shown)
    const proven = { user, amr: ['pwd'], counted }
    const finished = await unlessItFails(dependencies, counted, () =>
      inTransaction(dependencies.db, work => finishSignIn(dependencies, work, asked, proven)),
    )
    if (finished !== undefined) return giveFinished(dependencies, asked, finished)
    await giveBack(dependencies, counted)
  }
  throw new Refusal('unavailable', { reason: 'user_changing', retryAfter: 1 })
}
