import { type Origin, recordEvent } from '../audit/record.ts'
import { applyAndRenew } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import type { AssertionResponse } from '../passkeys/responses.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import type { LiveSession } from '../sessions/sessions.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'
import { type FactorFault, factorOf, joinProofs, listMethods, type Method } from './factors.ts'
import { type Confirmation, confirmAndChange } from './own-password.ts'
import { checkFactor, noteTaken, recordFailure, type ShowDependencies } from './show-factor.ts'
import type { SignInDependencies } from './sign-in.ts'
import { findStepUpChallenge, takeStepUpChallenge } from './step-up-passkey.ts'
import { forgive, unlessItFails } from './throttle.ts'
import { factorKey } from './throttle-keys.ts'

export type StepUpDependencies = SignInDependencies & ShowDependencies

/** By what this user can prove who it is: a second factor where there is one, else the password. */
export const listProofs = async (db: Database, userId: string): Promise<readonly ('password' | Method)[]> => {
  const methods = await listMethods(db, userId)
  return methods.length > 0 ? methods : ['password']
}

type Place = Pick<Confirmation, 'userId' | 'sessionId' | 'origin'>

/** The password alone is what a thief of both could show: a user with a second factor shows that. */
const askForFactor = (dependencies: StepUpDependencies, place: Place, methods: readonly Method[]) =>
  inTransaction<never>(dependencies.db, async work => {
    await recordEvent(dependencies, work, 'second-factor.asked', { ...place, details: { methods } })
    return new Refusal('mfa_required', { hasEvent: true, members: { methods } })
  })

/**
 * Step-up by password: the session goes on under a new id, with a fresh sign-in time.
 * @throws Refusal `mfa_required` for a user with a second factor, before anything is hashed; `invalid_credentials`
 */
export const stepUpByPassword = async (
  dependencies: StepUpDependencies,
  confirmation: Confirmation,
): Promise<LiveSession> => {
  const { gone: _, password: __, ...place } = confirmation
  const methods = await listMethods(dependencies.db, place.userId)
  if (methods.length > 0) return askForFactor(dependencies, place, methods)
  return confirmAndChange(dependencies, confirmation, {
    prepare: async () => undefined,
    run: async (work, subject) => {
      const now = await listMethods(work.db, place.userId)
      if (now.length > 0) throw new Refusal('mfa_required', { members: { methods: now } })
      return applyAndRenew(dependencies, work, 'step-up', subject)
    },
  })
}

/** A signed-in user who shows a second factor. */
export type FactorConfirmation = {
  readonly userId: string
  readonly sessionId: string
  readonly origin: Origin
  readonly method: Method
  readonly code?: string | undefined
  readonly response?: AssertionResponse | undefined
}

/** What is counted, and for a passkey the challenge that it was given. */
type Shown = { readonly counted: string; readonly challenge: string | undefined }

const refuseFactor = async (
  dependencies: StepUpDependencies,
  { userId, sessionId, origin, method }: FactorConfirmation,
  { counted, challenge }: Shown,
  fault: FactorFault,
): Promise<never> => {
  if (challenge !== undefined)
    await inTransaction(dependencies.db, work => takeStepUpChallenge(dependencies, work, challenge))
  const failure = { userId, sessionId, origin, method, fault, counted, isSignIn: false }
  await recordFailure(dependencies, failure)
  throw new Refusal('invalid_mfa_code', { reason: fault, hasEvent: true })
}

/**
 * Step-up by a second factor: what the session has proved before stays proved, and the person is proved now.
 * @throws Refusal `invalid_mfa_code`, `session_ended`, `session_renewed`
 */
export const stepUpByFactor = async (
  dependencies: StepUpDependencies,
  shown: FactorConfirmation,
): Promise<LiveSession> => {
  const { userId, sessionId, origin, method, code, response } = shown
  const counted = factorKey(method, { signedInUserId: userId })
  const challenge = response && (await findStepUpChallenge(dependencies, shown, response))
  const asked = { counted, challenge }
  const checked = await checkFactor(dependencies, { userId, method, code, response, ...asked })
  if ('fault' in checked) return refuseFactor(dependencies, shown, asked, checked.fault)
  const place = { userId, sessionId, origin }
  const stepUp = async (work: Work): Promise<LiveSession | FactorFault> => {
    const secretId = await dependencies.processes.secretInForce(work)
    await lockUser(work, userId)
    const isTaken = challenge === undefined || (await takeStepUpChallenge(dependencies, work, challenge))
    if (!isTaken) return 'passkey_challenge'
    const fault = await checked.take(work, { origin, secretId })
    if (fault !== undefined) return fault
    await forgive({ ...dependencies, db: work.db }, { keys: [counted] })
    await noteTaken(dependencies, work, { ...place, method, secretId })
    const amr = joinProofs(await proofsOf(work, sessionId), factorOf(method).amr, [multiFactor])
    return applyAndRenew(dependencies, work, 'step-up', { ...place, secretId, amr })
  }
  const result = await unlessItFails(dependencies, [counted], () => inTransaction(dependencies.db, stepUp))
  return typeof result === 'string' ? refuseFactor(dependencies, shown, asked, result) : result
}

const proofsOf = async ({ db }: Work, sessionId: string): Promise<readonly string[]> => {
  const { amr } = await db
    .selectFrom('sessions')
    .select('amr')
    .where('id', '=', sessionId)
    .executeTakeFirstOrThrow()
  return amr.split(' ')
}
