import type { Origin } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Caller } from '../sessions/hold-session.ts'
import {
  type Holding,
  type LiveSession,
  type SessionDependencies,
  startSession,
} from '../sessions/sessions.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import type { Password } from '../users/password.ts'
import { findUserByName } from '../users/users.ts'
import { checkPassword, type PasswordDependencies } from './check-password.ts'

export type SignInDependencies = SessionDependencies & PasswordDependencies

/** How often the credential is checked again when the user changed meanwhile. */
const attempts = 3

/** A browser holds one cookie: the session of the one that is replaced would go on with nobody to end it. */
const endReplaced = async (
  dependencies: SignInDependencies,
  work: Work,
  { replaces, origin }: { readonly replaces: Caller | undefined; readonly origin: Origin },
): Promise<void> => {
  if (replaces === undefined) return
  const subject = { ...replaces, origin: { ...origin, actor: replaces.userId } }
  await applyConsequences(dependencies, work, 'logout', subject)
}

/**
 * Starts a session for whoever knows the password of the user that `name` (a username or a verified
 * e-mail address) means.
 * @throws Refusal `invalid_credentials`, or `unavailable` when the hashing queue is full
 */
export const signIn = async (
  dependencies: SignInDependencies,
  {
    name,
    password,
    device,
    origin,
    holding = 'tokens',
    replaces,
  }: {
    readonly name: string
    readonly password: Password
    readonly device: string
    readonly origin: Origin
    /** `tokens` without a word. */
    readonly holding?: Holding
    /** The session of the browser's former cookie, which ends with the start of the new one. */
    readonly replaces?: Caller | undefined
  },
): Promise<LiveSession> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await findUserByName(dependencies.db, name)
    const user = await checkPassword(dependencies, { user: found, password, origin })
    const started = await inTransaction(dependencies.db, async work => {
      const live = await startSession(dependencies, work, {
        userId: user.id,
        userVersion: user.version,
        amr: ['pwd'],
        device,
        origin: { ...origin, actor: user.id },
        holding,
      })
      if (live !== undefined) await endReplaced(dependencies, work, { replaces, origin })
      return live
    })
    if (started !== undefined) return started
  }
  throw new Refusal('unavailable', { reason: 'user_changing', retryAfter: 1 })
}
