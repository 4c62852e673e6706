import { consumeCode, findCode, makeCode } from '../codes/codes.ts'
import { type RequestOptions, toRequestOptions } from '../passkeys/options.ts'
import { listGoodPasskeys } from '../passkeys/passkeys.ts'
import { hasHostName, relyingPartyOf } from '../passkeys/relying-party.ts'
import { type AssertionResponse, challengeOf } from '../passkeys/responses.ts'
import { type Caller, holdSession } from '../sessions/hold-session.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { getUser } from '../users/users.ts'
import type { PasskeyDependencies } from './shown-passkey.ts'

const purpose = 'passkey-step-up'

/**
 * What this session's user is asked for, to be proved once more by a passkey: the own ones to choose from.
 * @returns undefined for a user without one, and where PUBLIC_URL names an IP address
 * @throws Refusal `session_ended`
 */
export const askToStepUp = (
  dependencies: PasskeyDependencies,
  caller: Caller,
): Promise<RequestOptions | undefined> =>
  inTransaction(dependencies.db, async work => {
    const { userId, sessionId } = caller
    const known = await listGoodPasskeys(work.db, userId)
    if (known.length === 0 || !hasHostName(dependencies.publicUrl)) return undefined
    await holdSession(work, caller)
    const { version } = await getUser(work.db, userId)
    const made = await makeCode(dependencies, work, { purpose, user: { id: userId, version }, sessionId })
    return made && toRequestOptions(relyingPartyOf(dependencies), { challenge: made.secret, known })
  })

/** The challenge that a response answers, if this session was given it and it is open. */
export const findStepUpChallenge = async (
  dependencies: PasskeyDependencies,
  { userId, sessionId }: Caller,
  response: AssertionResponse,
): Promise<string | undefined> => {
  const secret = challengeOf(response)
  const code = await findCode(dependencies, { purpose, secret })
  return code?.user_id === userId && code.session_id === sessionId ? secret : undefined
}

/** Takes it, once, whatever the response was worth. */
export const takeStepUpChallenge = async (
  dependencies: PasskeyDependencies,
  work: Work,
  secret: string,
): Promise<boolean> => (await consumeCode(dependencies, work, { purpose, secret })) !== undefined
