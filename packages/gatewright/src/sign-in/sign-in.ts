import type { Origin } from '../audit/record.ts'
import { newId } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { type Browser, rememberDevice } from '../sessions/known-devices.ts'
import {
  type Holding,
  type LiveSession,
  type SessionDependencies,
  startSession,
} from '../sessions/sessions.ts'
import type { UserRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { DeviceSecret } from '../tokens/device-secret.ts'
import type { Password } from '../users/password.ts'
import { findUserByName } from '../users/users.ts'
import { checkPassword, type PasswordDependencies, refuseSlowly, toQueueCaller } from './check-password.ts'
import { logOut } from './end-sessions.ts'
import { forgive, giveBack, unlessItFails } from './throttle.ts'
import { deviceKey, keysOfUser, type NameHashing, strangerKeys } from './throttle-keys.ts'

export type SignInDependencies = SessionDependencies & PasswordDependencies & NameHashing & MailDependencies

/** How often the credential is checked again when the user changed meanwhile. */
const attempts = 3

/**
 * A browser holds one cookie: the session of the one that is replaced would go on with nobody to end it. It
 * may be another user's, so it ends by a transaction of its own. If it can't, this throws: the browser keeps
 * the old cookie, and the new session, whose secret nobody was given, is given up.
 */
export const endReplaced = async (
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

/** A sign-in that was asked for. */
export type SignIn = {
  readonly name: string
  readonly password: Password
  readonly device: string
  readonly origin: Origin
  /** Aborted when nobody waits for the answer any more. */
  readonly gone?: AbortSignal | undefined
  /** Told when the password was judged wrong (or the guess throttled), whatever fails after that. */
  readonly onWrong?: (() => void) | undefined
  /** `tokens` without a word. */
  readonly holding?: Holding
  /** The session of the browser's former cookie, or what goes on in its place: it ends once this one is there. */
  readonly replaces?: Caller | undefined
  /** The cookie by which a browser is known again. Without a word the caller is none, and gets none. */
  readonly browser?: Browser & { readonly isRemembered: boolean }
}

/** A session that was begun, and what the browser's other cookie holds from now on. */
export type Started = LiveSession & { readonly deviceSecret?: DeviceSecret }

const nobodysBrowser = { shown: undefined, known: undefined, isRemembered: false } as const

/** The browser as a known device of this user; another user's is none. */
const deviceOf = ({ browser }: SignIn, user: UserRow | undefined): Browser['known'] =>
  browser?.known?.userId === user?.id ? browser?.known : undefined

/** Undefined when the user changed since the password was checked. */
const begin = (
  dependencies: SignInDependencies,
  asked: SignIn,
  { user, counted }: { readonly user: UserRow; readonly counted: readonly string[] },
): Promise<Started | undefined> =>
  inTransaction(dependencies.db, async work => {
    const { device, origin, holding = 'tokens', browser = nobodysBrowser } = asked
    const { id: userId, version: userVersion } = user
    const known = deviceOf(asked, user)
    const knownDevice =
      known ?? (browser.isRemembered ? { id: newId(dependencies.random), userId } : undefined)
    const live = await startSession(dependencies, work, {
      userId,
      userVersion,
      amr: ['pwd'],
      device,
      knownDeviceId: knownDevice?.id ?? null,
      origin: { ...origin, actor: userId },
      holding,
    })
    if (live === undefined) return undefined
    const lifted = known === undefined ? [] : keysOfUser(dependencies, user)
    await forgive({ ...dependencies, db: work.db }, { keys: counted, lifted })
    if (!browser.isRemembered || knownDevice === undefined) return live
    return { ...live, deviceSecret: await rememberDevice(dependencies, work, knownDevice, browser) }
  })

/**
 * Starts a session for whoever knows the password of the user that `name` (a username or a verified
 * e-mail address) means.
 * @throws Refusal `invalid_credentials`, or `unavailable` when the hashing queue is full
 */
export const signIn = async (dependencies: SignInDependencies, asked: SignIn): Promise<Started> => {
  const { name, password, origin, replaces, gone, browser, onWrong } = asked
  const { clock, hasher } = dependencies
  // Before it costs a query: while the queue is full, most of a flood ends here.
  const caller = toQueueCaller(origin, { isKnown: browser?.known !== undefined, gone })
  await refuseSlowly(clock, clock.monotonic(), async () => hasher.check(caller))
  for (let attempt = 0; attempt < attempts; attempt++) {
    const found = await findUserByName(dependencies.db, name)
    const known = deviceOf(asked, found)
    // What of this user it is a guess at: a known device has a counter of its own.
    const counted = known === undefined ? strangerKeys(dependencies, name, found) : [deviceKey(known.id)]
    const shown = { user: found, password, origin, counted, isKnown: known !== undefined, gone, onWrong }
    const user = await checkPassword(dependencies, shown)
    const started = await unlessItFails(dependencies, counted, () =>
      begin(dependencies, asked, { user, counted }),
    )
    if (started === undefined) {
      await giveBack(dependencies, counted)
      continue
    }
    if (replaces !== undefined) {
      const own = { userId: user.id, sessionId: started.session.id }
      await endReplaced(dependencies, { replaces, started: own, origin })
    }
    return started
  }
  throw new Refusal('unavailable', { reason: 'user_changing', retryAfter: 1 })
}
