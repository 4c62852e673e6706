import type { Origin } from '../audit/record.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Caller } from '../sessions/hold-session.ts'
import {
  type Holding,
  type LiveSession,
  type SessionDependencies,
  startSession,
} from '../sessions/sessions.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { Password } from '../users/password.ts'
import { findUserByName } from '../users/users.ts'
import { checkPassword, type PasswordDependencies, refuseSlowly, toQueueCaller } from './check-password.ts'
import { logOut } from './end-sessions.ts'

export type SignInDependencies = SessionDependencies & PasswordDependencies

/** How often the credential is checked again when the user changed meanwhile. */
const attempts = 3

/**
 * A browser holds one cookie: the session of the one that is replaced would go on with nobody to end it. It
 * may be another user's, so it ends by a transaction of its own. If it can't, this throws: the browser keeps
 * the old cookie, and the new session, whose secret nobody was given, is given up.
 */
const endReplaced = async (
  dependencies: SignInDependencies,
  {
    replaces,
    started,
    origin,
  }: { readonly replaces: Caller; readonly started: Caller; readonly origin: Origin },
): Promise<void> => {
  const end = (session: Caller) =>
    logOut(dependencies, { ...session, origin: { ...origin, actor: session.userId } })
  try {
    await end(replaces)
  } catch (error) {
    await end(started).catch(() => {})
    throw error
  }
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
    gone,
    holding = 'tokens',
    replaces,
  }: {
    readonly name: string
    readonly password: Password
    readonly device: string
    readonly origin: Origin
    /** Aborted when nobody waits for the answer any more. */
    readonly gone?: AbortSignal | undefined
    /** `tokens` without a word. */
    readonly holding?: Holding
    /** The session of the browser's former cookie, or what goes on in its place: it ends once this one is there. */
    readonly replaces?: Caller | undefined
  },
): Promise<LiveSession> => {
  const { clock, hasher } = dependencies
  // Before it costs a query: while the queue is full, most of a flood ends here.
  const caller = toQueueCaller(origin, { gone })
  await refuseSlowly(clock, clock.monotonic(), async () => hasher.check(caller))
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await findUserByName(dependencies.db, name)
    const user = await checkPassword(dependencies, { user: found, password, origin, gone })
    const started = await inTransaction(dependencies.db, work =>
      startSession(dependencies, work, {
        userId: user.id,
        userVersion: user.version,
        amr: ['pwd'],
        device,
        origin: { ...origin, actor: user.id },
        holding,
      }),
    )
    if (started === undefined) continue
    if (replaces !== undefined) {
      const own = { userId: user.id, sessionId: started.session.id }
      await endReplaced(dependencies, { replaces, started: own, origin })
    }
    return started
  }
  throw new Refusal('unavailable', { reason: 'user_changing', retryAfter: 1 })
}
