import { recordEvent } from '../audit/record.ts'
import { type Code, consumeCode, findCode, makeCode } from '../codes/codes.ts'
import { Refusal } from '../ground/refusal.ts'
import { type CreationOptions, toCreationOptions } from '../passkeys/options.ts'
import { addPasskey, listPasskeys, removePasskey, renamePasskey, userHandleOf } from '../passkeys/passkeys.ts'
import { relyingPartyOf } from '../passkeys/relying-party.ts'
import { challengeOf, type RegistrationResponse } from '../passkeys/responses.ts'
import { type NewCredential, verifyRegistration } from '../passkeys/verify-response.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import { holdSession } from '../sessions/hold-session.ts'
import type { PasskeyRow } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { getUser } from '../users/users.ts'
import { factors } from './factors.ts'
import {
  type ChangedFactors,
  changeFactors,
  holdProvenSession,
  type Owner,
  type OwnFactorsDependencies,
} from './own-factors.ts'

type Dependencies = OwnFactorsDependencies & {
  readonly publicUrl: string
  readonly settings: { readonly appName: string }
}

const purpose = 'passkey-registration'

/**
 * What a browser makes a passkey by, for this session and its user alone. All of the user's are named, so
 * that an authenticator which has one makes no second.
 * @throws Refusal `conflict` where PUBLIC_URL names an IP address, and as {@link changeFactors}
 */
export const askForNewPasskey = (dependencies: Dependencies, owner: Owner): Promise<CreationOptions> => {
  const party = relyingPartyOf(dependencies)
  return inTransaction(dependencies.db, async work => {
    await holdProvenSession(work, owner)
    const { userId, sessionId } = owner
    const { username, version } = await getUser(work.db, userId)
    const known = await listPasskeys(work.db, userId)
    const userHandle = userHandleOf(dependencies, known)
    const made = await makeCode(dependencies, work, {
      purpose,
      user: { id: userId, version },
      sessionId,
      data: { userHandle },
    })
    if (made === undefined) throw new Refusal('session_ended')
    return toCreationOptions(party, { challenge: made.secret, userHandle, username, known })
  })
}

export type NewOwnPasskey = { readonly response: RegistrationResponse; readonly name: string }

const isOf = ({ userId, sessionId }: Owner, code: Code | undefined): boolean =>
  code !== undefined && code.user_id === userId && code.session_id === sessionId

const wrong = (reason: string): Refusal =>
  new Refusal('validation_failed', {
    reason,
    errors: [
      {
        path: '/response',
        message: 'is no answer to options that this session has asked for, or is one too late: ask again',
      },
    ],
  })

/** The challenge is used up, if it is this session's, and the owner's history says why. */
const refuse = (
  dependencies: Dependencies,
  { userId, sessionId, origin }: Owner,
  { secret, reason }: { readonly secret: string | undefined; readonly reason: string },
): Promise<never> =>
  inTransaction<never>(dependencies.db, async work => {
    if (secret !== undefined) await consumeCode(dependencies, work, { purpose, secret })
    const details = { method: 'passkey' }
    await recordEvent(dependencies, work, 'second-factor.failed', {
      origin,
      userId,
      sessionId,
      reason,
      details,
    })
    return wrong(reason)
  })

const taken = (): Refusal =>
  new Refusal('conflict', { reason: 'passkey_exists', detail: 'This passkey is registered already.' })

type Judged = { readonly credential: NewCredential; readonly userHandle: string }

/** The challenge is looked at before what costs; only {@link consumeCode} decides. */
const judge = async (
  dependencies: Dependencies,
  owner: Owner,
  { response }: NewOwnPasskey,
): Promise<Judged> => {
  const party = relyingPartyOf(dependencies)
  const secret = challengeOf(response)
  const code = await findCode(dependencies, { purpose, secret })
  if (code === undefined || !isOf(owner, code))
    return refuse(dependencies, owner, { secret: undefined, reason: 'passkey_challenge' })
  const credential = await verifyRegistration({ party, challenge: secret }, response)
  if (typeof credential === 'string') return refuse(dependencies, owner, { secret, reason: credential })
  return { credential, userHandle: String(code.data.userHandle) }
}

/** What was added, the session under its new id, and recovery codes with the first factor. */
export type AddedPasskey = ChangedFactors & { readonly passkey: PasskeyRow }

/**
 * Adds a passkey to the own ones: a second factor, and a sign-in by itself.
 * @throws Refusal `validation_failed`, whatever is wrong with the answer; `conflict` for one that somebody
 *   has, for too many, and where PUBLIC_URL names an IP address; and as {@link changeFactors}
 */
export const addOwnPasskey = async (
  dependencies: Dependencies,
  owner: Owner,
  asked: NewOwnPasskey,
): Promise<AddedPasskey> => {
  const { credential, userHandle } = await judge(dependencies, owner, asked)
  const shown = { purpose, secret: challengeOf(asked.response) } as const
  const { userId } = owner
  let passkey: PasskeyRow | undefined
  const changed = await changeFactors(dependencies, owner, {
    kind: 'added',
    method: 'passkey',
    amr: [...factors.passkey.amr, multiFactor],
    run: async work => {
      if ((await consumeCode(dependencies, work, shown)) === undefined) throw wrong('passkey_challenge')
      passkey = await addPasskey(dependencies, work, { userId, userHandle, name: asked.name, credential })
      if (passkey === undefined) throw taken()
    },
  })
  if (passkey === undefined) throw new TypeError('a passkey that was added is there')
  return { ...changed, passkey }
}

type Own = { readonly id: string }

/** @throws Refusal `not_found`, also for another user's; `session_ended` */
export const renameOwnPasskey = (
  { db }: Pick<Dependencies, 'db'>,
  owner: Owner,
  { id, name }: Own & { readonly name: string },
): Promise<PasskeyRow> =>
  inTransaction(db, async work => {
    await holdSession(work, owner)
    return renamePasskey(work, { id, userId: owner.userId }, name)
  })

/** @throws Refusal `not_found`, also for another user's, and as {@link changeFactors} */
export const removeOwnPasskey = (
  dependencies: Dependencies,
  owner: Owner,
  { id }: Own,
): Promise<ChangedFactors> =>
  changeFactors(dependencies, owner, {
    kind: 'removed',
    method: 'passkey',
    run: async work => {
      await removePasskey(work, { id, userId: owner.userId })
    },
  })
