import { recordEvent } from '../audit/record.ts'
import { type Code, consumeCode, countAttempt, findCode } from '../codes/codes.ts'
import { codePurposes } from '../codes/purposes.ts'
import { Refusal } from '../ground/refusal.ts'
import type { AssertionResponse } from '../passkeys/responses.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import { findKnownDevice, type KnownDevice } from '../sessions/known-devices.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'
import {
  type Checked,
  type FactorFault,
  factorOf,
  findFirstFactorTime,
  joinProofs,
  type Method,
} from './factors.ts'
import {
  type Arrival,
  type FinishDependencies,
  type Finished,
  finishSignIn,
  giveFinished,
  type HalfDone,
  type Started,
} from './finish-sign-in.ts'
import { isHeld, tellOfHold } from './held.ts'
import { challengeOfHalf } from './second-passkey.ts'
import { checkFactor, noteTaken, recordFailure, type ShowDependencies } from './show-factor.ts'
import { unlessItFails } from './throttle.ts'
import { factorKey } from './throttle-keys.ts'

export type SecondHalfDependencies = FinishDependencies & ShowDependencies

/** A known browser of whoever has shown the first half. */
export type DeviceOfHalf = { readonly known: KnownDevice; readonly hasShownFactor: boolean }

/** The second half of a sign-in: what the first one gave, and a factor. */
export type SecondHalf = Omit<Arrival, 'holding'> & {
  readonly mfaToken: string
  readonly method: Method
  readonly code?: string | undefined
  readonly response?: AssertionResponse | undefined
  /** What {@link findDeviceOfHalf} found. */
  readonly found?: DeviceOfHalf | undefined
  /** Told when the factor was judged wrong, whatever fails after that. */
  readonly onWrong?: (() => void) | undefined
}

const toShown = ({ mfaToken }: SecondHalf) => ({ purpose: 'second-factor', secret: mfaToken }) as const

/** A first half that is open, with the user that it is about. */
type Half = Code & { readonly user_id: string }

const isOfUser = (code: Code | undefined): code is Half => code !== undefined && code.user_id !== null

const refuse = (reason: string, attemptsLeft: number): Refusal =>
  new Refusal('invalid_mfa_code', { reason, hasEvent: true, members: { attempts_left: attemptsLeft } })

/** Nobody is told whether it was used, has expired, was tried too often, or is something else. */
const refuseOver = (dependencies: SecondHalfDependencies, { origin, method }: SecondHalf): Promise<never> =>
  inTransaction<never>(dependencies.db, async work => {
    const reason = 'challenge_over'
    await recordEvent(dependencies, work, 'second-factor.failed', { origin, reason, details: { method } })
    return refuse(reason, 0)
  })

const attemptsLeft = ({ attempts }: Half): number =>
  Math.max(0, codePurposes['second-factor'].attempts - attempts)

/**
 * The browser, where it is a known one of the user of an open first half: looked up once, for the limits before the
 * factor is judged and for the judging. It has shown a factor before where it signed in since there is one. One from
 * before the first factor is as unknown as any: a thief of the password may have made twenty, each with guesses of its
 * own.
 */
export const findDeviceOfHalf = async (
  dependencies: SecondHalfDependencies,
  { mfaToken, browser }: Pick<SecondHalf, 'mfaToken' | 'browser'>,
): Promise<DeviceOfHalf | undefined> => {
  if (browser?.shown === undefined) return undefined
  const half = await findCode(dependencies, { purpose: 'second-factor', secret: mfaToken })
  if (!isOfUser(half)) return undefined
  const known = await findKnownDevice(dependencies, browser.shown, half.user_id)
  if (known === undefined) return undefined
  const since = (await findFirstFactorTime(dependencies.db, half.user_id)) ?? 0
  return { known, hasShownFactor: known.lastUsedAt >= since }
}

type Judged = {
  readonly half: Half
  readonly counted: string
}

const refuseFactor = async (
  dependencies: SecondHalfDependencies,
  { method, origin, onWrong }: SecondHalf,
  { half, counted }: Judged,
  fault: FactorFault,
): Promise<never> => {
  onWrong?.()
  const userId = half.user_id
  await recordFailure(dependencies, { userId, origin, method, fault, counted, isSignIn: true })
  throw refuse(fault, attemptsLeft(half))
}

/** What was shown is used up, and the first half with it, and the session begins: all of that or nothing. */
const finish = async (
  dependencies: SecondHalfDependencies,
  work: Work,
  asked: SecondHalf,
  { half: { user_id: userId }, counted }: Judged,
  { take }: Extract<Checked, { take: unknown }>,
): Promise<Finished | FactorFault> => {
  const { method, origin } = asked
  const secretId = await dependencies.processes.secretInForce(work)
  await lockUser(work, userId)
  const shown = toShown(asked)
  // While the user is held nothing ends it: a recovery code is not spent on a sign-in that is over.
  if ((await findCode({ ...dependencies, db: work.db }, shown)) === undefined) return 'challenge_over'
  const fault = await take(work, { origin, secretId })
  if (fault !== undefined) return fault
  const code = await consumeCode(dependencies, work, shown)
  if (code?.user === undefined) throw new Refusal('invalid_mfa_code', { reason: 'challenge_over' })
  await noteTaken(dependencies, work, { userId, origin: { ...origin, actor: userId }, method, secretId })
  const { amr, holding } = code.data as HalfDone
  const arrival: Arrival = {
    ...asked,
    holding,
    ...(asked.browser && { browser: { ...asked.browser, known: asked.found?.known } }),
  }
  const proofs = joinProofs(amr, factorOf(method).amr, [multiFactor])
  const proven = { user: code.user, amr: proofs, counted: [counted] }
  const finished = await finishSignIn(dependencies, work, arrival, proven)
  if (finished === undefined) throw new TypeError('the user is held at this version')
  return finished
}

/** Codes are guessed at by whoever knows the password: past the threshold a device that is not known is held here too. */
const isHeldBack = async (
  dependencies: SecondHalfDependencies,
  { method, origin }: SecondHalf,
  { userId, counted }: { readonly userId: string; readonly counted: string },
): Promise<boolean> => {
  if (factorOf(method).isKey === true) return false
  const ofUser = dependencies.db.selectFrom('users').selectAll().where('id', '=', userId)
  const user = await ofUser.executeTakeFirst()
  if (user === undefined || !(await isHeld(dependencies, user, counted))) return false
  await tellOfHold(dependencies, user, { counted, origin })
  return true
}

/**
 * Ends a sign-in whose first half asked for a second factor: the session that the first half was to give. The attempt is
 * counted against the first half, and the guess against the user and the factor, before anything is checked; a new
 * first half gives no new guesses.
 * @throws Refusal `invalid_mfa_code`, whatever is wrong
 */
export const finishWithFactor = async (
  dependencies: SecondHalfDependencies,
  asked: SecondHalf,
): Promise<Started> => {
  const half = await countAttempt(dependencies, dependencies, toShown(asked))
  if (!isOfUser(half)) return refuseOver(dependencies, asked)
  const { method, code, response, found } = asked
  const userId = half.user_id
  const proven = found?.hasShownFactor === true ? found.known : undefined
  const counted = factorKey(method, proven === undefined ? { userId } : { deviceId: proven.id })
  const judged: Judged = { half, counted }
  if (proven === undefined && (await isHeldBack(dependencies, asked, { userId, counted })))
    return refuseFactor(dependencies, asked, judged, 'throttled')
  const challenge = challengeOfHalf(asked.mfaToken)
  const checked = await checkFactor(dependencies, { userId, method, code, response, challenge, counted })
  if ('fault' in checked) return refuseFactor(dependencies, asked, judged, checked.fault)
  const finished = await unlessItFails(dependencies, [counted], () =>
    inTransaction(dependencies.db, work => finish(dependencies, work, asked, judged, checked)),
  )
  if (typeof finished === 'string') return refuseFactor(dependencies, asked, judged, finished)
  const isInCookie = (half.data as HalfDone).holding === 'cookie'
  const { origin } = asked
  return giveFinished(dependencies, { origin, replaces: isInCookie ? asked.replaces : undefined }, finished)
}
