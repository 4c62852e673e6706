import { type Origin, recordEvent } from '../audit/record.ts'
import { consumeCode, makeCode } from '../codes/codes.ts'
import { Refusal } from '../ground/refusal.ts'
import { type RequestOptions, toRequestOptions } from '../passkeys/options.ts'
import { relyingPartyOf } from '../passkeys/relying-party.ts'
import { type AssertionResponse, challengeOf } from '../passkeys/responses.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { findKnownDevice } from '../sessions/known-devices.ts'
import type { Holding } from '../sessions/sessions.ts'
import type { UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import type { DeviceSecret } from '../tokens/device-secret.ts'
import { lockAndGetUser } from '../users/users.ts'
import { waitForStep } from './check-password.ts'
import { type Finished, finishSignIn, giveFinished, type Started } from './finish-sign-in.ts'
import {
  type GoodPasskey,
  type JudgedPasskey,
  judgePasskey,
  type PasskeyDependencies,
  usePasskey,
} from './shown-passkey.ts'
import type { SignInDependencies } from './sign-in.ts'

type Dependencies = SignInDependencies & PasskeyDependencies

/** Proof of a key, and by it of the person: its authenticator has asked for a PIN, a finger or a face (RFC 8176). */
const passkeyAmr = ['pop', 'mfa'] as const

/**
 * What a browser asks its user for: any passkey for this server, and nobody's in particular. Tells nothing of
 * who has one.
 * @throws Refusal `conflict` where PUBLIC_URL names an IP address
 */
export const askForPasskey = async (dependencies: Dependencies): Promise<RequestOptions> => {
  const party = relyingPartyOf(dependencies)
  const made = await inTransaction(dependencies.db, work =>
    makeCode(dependencies, work, { purpose: 'passkey-sign-in' }),
  )
  if (made === undefined) throw new TypeError('a code of nobody is always made')
  return toRequestOptions(party, { challenge: made.secret })
}

export type PasskeySignIn = {
  readonly response: AssertionResponse
  readonly device: string
  readonly origin: Origin
  readonly holding: Holding
  /** The session of the browser's former cookie: it ends once this one is there. */
  readonly replaces?: Caller | undefined
  /** The cookie by which a browser is known again. */
  readonly browser: { readonly shown: DeviceSecret | undefined; readonly isRemembered: boolean }
}

/** The one answer to everything that is no good passkey; the audit event says what it was. */
const fail = async (
  dependencies: Dependencies,
  work: Work,
  { reason, userId, origin }: { readonly reason: string; readonly userId?: string; readonly origin: Origin },
): Promise<Refusal> => {
  await recordEvent(dependencies, work, 'sign-in.failed', { origin, reason, ...(userId && { userId }) })
  return new Refusal('invalid_credentials', { reason, hasEvent: true })
}

const begin = async (
  dependencies: Dependencies,
  work: Work,
  user: UserRow,
  asked: PasskeySignIn,
): Promise<Finished> => {
  const { shown, isRemembered } = asked.browser
  const known = shown && (await findKnownDevice({ ...dependencies, db: work.db }, shown, user.id))
  const arrival = { ...asked, browser: { shown, known, isRemembered } }
  const finished = await finishSignIn(dependencies, work, arrival, { user, amr: passkeyAmr, isOwner: true })
  if (finished === undefined) throw new TypeError('the user is held, at the version that was read')
  return finished
}

/** The user of the passkey, held: undefined where something that ends more than a session happened since. */
const holdUser = async (work: Work, { passkey }: GoodPasskey): Promise<UserRow | undefined> => {
  const user = await lockAndGetUser(work, passkey.user_id)
  return user?.version === passkey.user_version ? user : undefined
}

/**
 * Takes the challenge, whatever became of the answer to it, and starts a session.
 * @returns undefined where the user changed since the passkey was judged, with nothing taken: judge again
 */
const settle = async (
  dependencies: Dependencies,
  work: Work,
  asked: PasskeySignIn,
  judged: JudgedPasskey,
): Promise<Finished | Refusal | undefined> => {
  const { origin, response } = asked
  const secretId = await dependencies.processes.secretInForce(work)
  const user = 'fault' in judged ? undefined : await holdUser(work, judged)
  if (!('fault' in judged) && user === undefined) return undefined
  const shown = { purpose: 'passkey-sign-in', secret: challengeOf(response) } as const
  if ((await consumeCode(dependencies, work, shown)) === undefined)
    return fail(dependencies, work, { reason: 'passkey_challenge', origin })
  if ('fault' in judged) return fail(dependencies, work, { ...judged, reason: judged.fault, origin })
  const userId = judged.passkey.user_id
  if (user === undefined || user.disabled_at !== null)
    return fail(dependencies, work, { reason: 'user_disabled', userId, origin })
  const reason = await usePasskey(dependencies, work, judged, { origin, secretId })
  if (reason !== undefined) return fail(dependencies, work, { reason, userId, origin })
  return begin(dependencies, work, user, asked)
}

/** How often the passkey is judged again when the user changed meanwhile. */
const attempts = 3

const finish = async (dependencies: Dependencies, asked: PasskeySignIn): Promise<Finished> => {
  const { response } = asked
  const challenge = challengeOf(response)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const judged = await judgePasskey(dependencies, { response, challenge })
    const finished = await inTransaction(dependencies.db, work => settle(dependencies, work, asked, judged))
    if (finished !== undefined) return finished
  }
  throw new Refusal('unavailable', { reason: 'user_changing', retryAfter: 1 })
}

/**
 * Starts a session for whoever shows a passkey: its user need not be named. It is a second factor by itself,
 * and nothing that strangers do delays it.
 * @throws Refusal `invalid_credentials`, whatever is wrong with it
 */
export const signInByPasskey = async (dependencies: Dependencies, asked: PasskeySignIn): Promise<Started> => {
  const { clock } = dependencies
  const startedAt = clock.monotonic()
  const finished = await finish(dependencies, asked).catch(async (error: unknown) => {
    await waitForStep(clock, startedAt)
    throw error
  })
  return giveFinished(dependencies, asked, finished)
}
