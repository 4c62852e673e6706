import type { Origin } from '../audit/record.ts'
import { Refusal } from '../ground/refusal.ts'
import { type LiveSession, type SessionDependencies, startSession } from '../sessions/sessions.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Password } from '../users/password.ts'
import { findUserByName } from '../users/users.ts'
import { checkPassword, type PasswordDependencies } from './check-password.ts'

export type SignInDependencies = SessionDependencies & PasswordDependencies

/** How often the credential is checked again when the user changed meanwhile. */
const attempts = 3

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
  }: {
    readonly name: string
    readonly password: Password
    readonly device: string
    readonly origin: Origin
  },
): Promise<LiveSession> => {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await findUserByName(dependencies.db, name)
    const user = await checkPassword(dependencies, { user: found, password, origin })
    const started = await inTransaction(dependencies.db, work =>
      startSession(dependencies, work, {
        userId: user.id,
        userVersion: user.version,
        amr: ['pwd'],
        device,
        origin: { ...origin, actor: user.id },
      }),
    )
    if (started !== undefined) return started
  }
  throw new Refusal('unavailable', { reason: 'user_changing', retryAfter: 1 })
}
