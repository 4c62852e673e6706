import { type Origin, recordEvent } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { newId } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { MailDependencies } from '../mail/queue.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { type Browser, rememberDevice } from '../sessions/known-devices.ts'
import {
  type Holding,
  type LiveSession,
  type SessionDependencies,
  startSession,
} from '../sessions/sessions.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import type { DeviceSecret } from '../tokens/device-secret.ts'
import { noteBegunSession } from '../unusual/begun-session.ts'
import { logOut } from './end-sessions.ts'
import { methods as allMethods, listMethods, type Method } from './factors.ts'
import { forgive, lift, type ThrottleDependencies } from './throttle.ts'
import { factorKey, keysOfUser, type NameHashing } from './throttle-keys.ts'

export type FinishDependencies = SessionDependencies &
  ThrottleDependencies &
  NameHashing &
  MailDependencies & { readonly db: Database }

/** Who signs in from where, and what is wanted: the same for every door, and for both halves of a sign-in. */
export type Arrival = {
  readonly device: string
  readonly origin: Origin
  /** `tokens` without a word. */
  readonly holding?: Holding
  /** The session of the browser's former cookie, or what goes on in its place: it ends once this one is there. */
  readonly replaces?: Caller | undefined
  /** The cookie by which a browser is known again. Without a word the caller is none, and gets none. */
  readonly browser?: Browser & { readonly isRemembered: boolean }
}

/** A session that was begun, and what the browser's other cookie holds from now on. */
export type Started = LiveSession & { readonly deviceSecret?: DeviceSecret }

/** The first half is done: what the second one is asked with, and by which methods. */
export type Due = { readonly mfaToken: string; readonly methods: readonly Method[] }

/** What a code of the purpose `second-factor` carries. */
export type HalfDone = { readonly amr: readonly string[]; readonly holding: Holding }

/** A new password is due before anything else: what it is set with (`due-password.ts`). */
type PasswordDue = { readonly passwordToken: string }

export type Finished =
  | { readonly started: Started }
  | { readonly due: Due }
  | { readonly passwordDue: PasswordDue }

const nobodysBrowser = { shown: undefined, known: undefined, isRemembered: false } as const

/** The browser as a known device of this user; another user's is none. */
export const deviceOf = (
  { browser }: Pick<Arrival, 'browser'>,
  user: Pick<UserRow, 'id'> | undefined,
): Browser['known'] => (browser?.known?.userId === user?.id ? browser?.known : undefined)

/** What was proved, of whom, at the version that was read before. */
export type Proven = {
  readonly user: UserRow
  readonly amr: readonly string[]
  /** The guesses that were counted, and that turned out right. */
  readonly counted?: readonly string[]
  /** No stranger can have shown this: what strangers have used up of the user is lifted. A known device shows it as well. */
  readonly isOwner?: true
}

const start = async (
  dependencies: FinishDependencies,
  work: Work,
  arrival: Arrival,
  { user, amr, isOwner = false }: Pick<Proven, 'user' | 'amr'> & { readonly isOwner?: boolean | undefined },
): Promise<Finished | undefined> => {
  const { device, origin, holding = 'tokens', browser = nobodysBrowser } = arrival
  const { id: userId, version: userVersion } = user
  const known = deviceOf(arrival, user)
  const secretId = await dependencies.processes.secretInForce(work)
  const knownDevice = known ?? (browser.isRemembered ? { id: newId(dependencies.random), userId } : undefined)
  const live = await startSession(dependencies, work, {
    userId,
    userVersion,
    amr,
    device,
    knownDeviceId: knownDevice?.id ?? null,
    origin: { ...origin, actor: userId },
    holding,
  })
  if (live === undefined) return undefined
  const { session, roles } = live
  const seen = { user, roles, session, origin, secretId, isKnown: known !== undefined, isOwner }
  await noteBegunSession(dependencies, work, seen)
  if (!browser.isRemembered || knownDevice === undefined) return { started: live }
  const deviceSecret = await rememberDevice(dependencies, work, knownDevice, browser)
  return { started: { ...live, deviceSecret } }
}

/** The half-signed-in state is one row of `codes`: it is no session, and no door but the second half takes it. */
const askForFactor = async (
  dependencies: FinishDependencies,
  work: Work,
  { origin, holding = 'tokens' }: Arrival,
  { user, amr, methods }: Proven & { readonly methods: readonly Method[] },
): Promise<Finished | undefined> => {
  const { id: userId, version } = user
  const data = { amr, holding } satisfies HalfDone
  const made = await makeCode(dependencies, work, {
    purpose: 'second-factor',
    user: { id: userId, version },
    data,
  })
  if (made === undefined) return undefined
  const details = { amr, methods }
  await recordEvent(dependencies, work, 'second-factor.asked', { origin, userId, details })
  return { due: { mfaToken: made.secret, methods } }
}

/** No session either: the code is good for a new password, and for nothing else. */
const askForPassword = async (
  dependencies: FinishDependencies,
  work: Work,
  { origin }: Arrival,
  { user: { id: userId, version }, amr }: Proven,
): Promise<Finished | undefined> => {
  const user = { id: userId, version }
  const made = await makeCode(dependencies, work, { purpose: 'change-password', user })
  if (made === undefined) return undefined
  await recordEvent(dependencies, work, 'user.password-change-asked', { origin, userId, details: { amr } })
  return { passwordDue: { passwordToken: made.secret } }
}

const factorKeysOf = ({ id: userId }: UserRow): readonly string[] =>
  allMethods.map(method => factorKey(method, { userId }))

/** What comes next: a factor first, so that a password alone says nothing of what is due behind it. */
const goOn = (
  dependencies: FinishDependencies,
  work: Work,
  arrival: Arrival,
  { methods, ...proven }: Proven & { readonly methods: readonly Method[] },
): Promise<Finished | undefined> => {
  if (methods.length > 0) return askForFactor(dependencies, work, arrival, { ...proven, methods })
  if (proven.user.password_change_due === 1) return askForPassword(dependencies, work, arrival, proven)
  return start(dependencies, work, arrival, proven)
}

/**
 * The end of every door's sign-in, in the transaction that uses up what was shown: starts the session, or asks
 * for a second factor where the user has one and the proofs are not of several factors, or for a new password where
 * one is due. Both are inserted only
 * for an enabled user at the version that was read before the credential was checked, and every change of
 * factors raises that version: nobody gets past a factor that was added meanwhile.
 *
 * @returns undefined when the user changed since: check the credential again
 */
export const finishSignIn = async (
  dependencies: FinishDependencies,
  work: Work,
  arrival: Arrival,
  proven: Proven,
): Promise<Finished | undefined> => {
  const { user, amr, counted = [] } = proven
  const methods = amr.includes(multiFactor) ? [] : await listMethods(work.db, user.id)
  const finished = await goOn(dependencies, work, arrival, { ...proven, methods })
  if (finished === undefined) return undefined
  // Only whoever is in lifts what strangers have used up: half of a sign-in may be a stranger's as well.
  const isOwner = 'started' in finished && (proven.isOwner ?? deviceOf(arrival, user) !== undefined)
  const lifted = isOwner ? [...keysOfUser(dependencies, user), ...factorKeysOf(user)] : []
  const inside = { ...dependencies, db: work.db }
  if (counted.length > 0) await forgive(inside, { keys: counted })
  await lift(inside, lifted)
  return finished
}

/**
 * A browser holds one cookie: the session of the one that is replaced would go on with nobody to end it. It
 * may be another user's, so it ends by a transaction of its own. If it can't, this throws: the browser keeps
 * the old cookie, and the new session, whose secret nobody was given, is given up.
 */
const endReplaced = async (
  dependencies: FinishDependencies,
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
 * What follows {@link finishSignIn} once it is durable.
 * @throws Refusal `mfa_required` where the second factor is due, `password_change_required` where a new password is
 */
export const giveFinished = async (
  dependencies: FinishDependencies,
  { replaces, origin }: Pick<Arrival, 'replaces' | 'origin'>,
  finished: Finished,
): Promise<Started> => {
  if ('due' in finished) {
    const { mfaToken: mfa_token, methods } = finished.due
    throw new Refusal('mfa_required', { hasEvent: true, members: { mfa_token, methods } })
  }
  if ('passwordDue' in finished) {
    const { passwordToken: password_token } = finished.passwordDue
    throw new Refusal('password_change_required', { hasEvent: true, members: { password_token } })
  }
  const { started } = finished
  if (replaces !== undefined) {
    const { id: sessionId, user_id: userId } = started.session
    await endReplaced(dependencies, { replaces, started: { userId, sessionId }, origin })
  }
  return started
}
