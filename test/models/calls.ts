import { permission } from 'gatewright/access'
import { changeRoles, disableUser, enableUser } from 'gatewright/administration'
import type { Engine } from 'gatewright/compose'
import { revokeApiKey } from '../../packages/gatewright/src/administration/api-keys.ts'
import { changeRole } from '../../packages/gatewright/src/administration/change-role.ts'
import { deleteUser } from '../../packages/gatewright/src/administration/delete-user.ts'
import { endAllSessions } from '../../packages/gatewright/src/administration/end-user-sessions.ts'
import { forcePasswordChange } from '../../packages/gatewright/src/administration/force-password-change.ts'
import { type MadeKey, makeApiKey } from '../../packages/gatewright/src/administration/make-api-key.ts'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { retireSecret } from '../../packages/gatewright/src/administration/retire-secret.ts'
import { rotateApiKey } from '../../packages/gatewright/src/administration/rotate-api-key.ts'
import { revokeKey } from '../../packages/gatewright/src/administration/signing-keys.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { headSteps, runSteps } from '../../packages/gatewright/src/gate/gate.ts'
import { newPassage } from '../../packages/gatewright/src/gate/passage.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { findCookieSession } from '../../packages/gatewright/src/sessions/find-session.ts'
import { makeTokenPair } from '../../packages/gatewright/src/sessions/session-tokens.ts'
import type { LiveSession } from '../../packages/gatewright/src/sessions/sessions.ts'
import { checkCookieSession } from '../../packages/gatewright/src/sign-in/cookie-session.ts'
import {
  endAllOtherSessions,
  endOtherSession,
  logOut,
} from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { renewOwnRecoveryCodes } from '../../packages/gatewright/src/sign-in/own-factors.ts'
import { changePassword } from '../../packages/gatewright/src/sign-in/own-password.ts'
import { confirmTotp, removeTotp } from '../../packages/gatewright/src/sign-in/own-totp.ts'
import { signInByPasskey } from '../../packages/gatewright/src/sign-in/passkey-sign-in.ts'
import { refresh } from '../../packages/gatewright/src/sign-in/refresh.ts'
import { resetPassword } from '../../packages/gatewright/src/sign-in/reset-password.ts'
import { finishWithFactor } from '../../packages/gatewright/src/sign-in/second-half.ts'
import { signIn } from '../../packages/gatewright/src/sign-in/sign-in.ts'
import { stepUpByFactor, stepUpByPassword } from '../../packages/gatewright/src/sign-in/step-up.ts'
import { denyEvent, undoEmailChange } from '../../packages/gatewright/src/sign-in/undo-email.ts'
import { verifyEmail } from '../../packages/gatewright/src/sign-in/verify-email.ts'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'
import type { SessionSecret } from '../../packages/gatewright/src/tokens/session-secret.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { type Call, type CallName, type Calls, keyOverlap, type Told } from './rules.ts'

/** Who the calls are about. */
export type Person = { readonly userId: string; readonly username: string }

/** What an answer that gives a session carries: the text that its holder keeps, and the `exp` promised. */
export type Given = {
  readonly session: string
  readonly generation: number
  readonly text: string
  readonly promised: number
  readonly roles: readonly string[]
  /** The access token, as the door signs it for whoever holds tokens. */
  readonly signAccess?: () => Promise<string>
}

export type Answer = { readonly told: Told; readonly given?: Given }

type Perform<Input> = (engine: Engine, person: Person, input: Input) => Promise<LiveSession | unknown>

const own = ({ userId }: Person, sessionId: string) => ({ userId, sessionId, origin })

const performs: { readonly [Name in CallName]: Perform<Calls[Name]> } = {
  'sign in': (engine, { username }, { password, holding }) =>
    signIn(engine, { name: username, password: parsePassword(password), device: '', origin, holding }),
  refresh: (engine, _, { text }) => refresh(engine, { text, origin, countUse: () => {} }),
  'use the cookie': async (engine, _, { text }) => {
    const found = await findCookieSession(engine.db, text as SessionSecret)
    if (found === undefined) throw new TypeError('there is no such cookie')
    await checkCookieSession(engine, found, origin)
  },
  'step up': (engine, person, { session, password }) =>
    stepUpByPassword(engine, { ...own(person, session), password: parsePassword(password) }),
  'change the password': (engine, person, { session, password, next }) =>
    changePassword(engine, {
      ...own(person, session),
      password: parsePassword(password),
      newPassword: parsePassword(next),
    }),
  'add a factor': async (engine, person, { session, code }) =>
    (await confirmTotp(engine, { ...own(person, session), code })).renewed,
  'remove the factor': async (engine, person, { session }) =>
    (await removeTotp(engine, own(person, session))).renewed,
  'reset the factors': (engine, { userId }) => resetFactors(engine, { userId, reason: 'lost', origin }),
  'renew the recovery codes': async (engine, person, { session }) =>
    (await renewOwnRecoveryCodes(engine, own(person, session))).renewed,
  'show a passkey': (engine, _, { answer: response, holding }) =>
    signInByPasskey(engine, {
      response,
      holding,
      device: '',
      origin,
      browser: { shown: undefined, isRemembered: false },
    }),
  'show a factor': (engine, _, { mfaToken, code }) =>
    finishWithFactor(engine, { mfaToken, method: 'totp', code, device: '', origin }),
  'step up by the factor': (engine, person, { session, code }) =>
    stepUpByFactor(engine, { ...own(person, session), method: 'totp', code }),
  'log out': (engine, person, { session }) => logOut(engine, own(person, session)),
  'end another': (engine, person, { session, other }) =>
    endOtherSession(engine, { ...own(person, session), otherSessionId: other }),
  'end all others': (engine, person, { session }) => endAllOtherSessions(engine, own(person, session)),
  'end all sessions': (engine, { userId }) => endAllSessions(engine, { userId, origin }),
  'force a change': (engine, { userId }) => forcePasswordChange(engine, { userId, origin }),
  'change the roles': (engine, { userId }, { roles }) => changeRoles(engine, { userId, roles, origin }),
  disable: (engine, { userId }) => disableUser(engine, { userId, origin }),
  enable: (engine, { userId }) => enableUser(engine, { userId, origin }),
  delete: (engine, { userId }, { session }) =>
    deleteUser(engine, { userId, origin }, { userId, sessionId: session }),
  'retire the secret': (engine, _, { secretId }) => retireSecret(engine, { secretId, origin }),
  'revoke the signing key': (engine, _, { kid }) => revokeKey(engine, { kid, origin }),
  'make a key': (engine, person, { session }) =>
    makeApiKey(engine, ownKeys(person, session), {
      name: 'model',
      permissions: ['posts:write'],
      expiresAt: null,
      allowedAddresses: [],
    }),
  'rotate the key': (engine, person, { session, key }) =>
    rotateApiKey(engine, { ...ownKeys(person, session), keyId: key, overlap: keyOverlap }),
  'revoke the key': (engine, { userId: ownerId }, { key: keyId }) =>
    revokeApiKey(engine, { ownerId, keyId, origin }),
  'show the key': async (engine, _, { text }) => {
    const rule = {
      access: permission('posts:write'),
      principals: ['api-key'],
      limit: 'read',
      audit: 'none',
    } as const
    const arrived = { rule, thingId: undefined, requestId: '', method: 'GET', peer: '192.0.2.1' }
    const passage = newPassage({ ...arrived, rawHeaders: ['x-api-key', text] })
    await runSteps({ ...engine, things: new Map() }, headSteps, passage)
  },
  'narrow the role': (engine, _, { role: name }) => changeRole(engine, { name, permissions: [], origin }),
  'reset the password': (engine, _, { token, next }) =>
    resetPassword(engine, { token, newPassword: parsePassword(next), origin }),
  'verify an address': (engine, _, { token }) => verifyEmail(engine, { token, origin }),
  'undo a change of address': (engine, _, { token }) => undoEmailChange(engine, { token, origin }),
  'say it was somebody else': (engine, _, { token }) => denyEvent(engine, { token, origin }),
}

const ownKeys = ({ userId }: Person, sessionId: string) => ({
  ownerId: userId,
  caller: { userId, sessionId },
  origin,
})

const toAnswer = (engine: Engine, live: LiveSession): Answer => {
  const { session, roles, secret } = live
  const { id, generation, token_expires_at: promised } = session
  const text = secret ?? makeRefreshToken(engine.secrets, session, generation)
  const signAccess = async () => (await makeTokenPair(engine, async () => live)).access_token
  return {
    told: { session: id, generation, roles },
    given: {
      session: id,
      generation,
      text,
      promised,
      roles,
      ...(session.secret_hash === null && { signAccess }),
    },
  }
}

const isLiveSession = (result: unknown): result is LiveSession =>
  typeof result === 'object' && result !== null && 'session' in result

const isMadeKey = (result: unknown): result is MadeKey =>
  typeof result === 'object' && result !== null && 'key' in result && 'row' in result

/** A lock or a statement took longer than it may, on a machine with too much to do. A deadlock is no such thing. */
const isTooSlow = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['55P03', '57014', '25P03'].includes(String(error.code))

/** Clocks here give no time to wait for: a request that has to wait until roles were read again is told so at once. */
const mayBeAway = ({ name }: Call, { code }: Refusal): { readonly isAway?: true } =>
  name === 'show the key' && code === 'unavailable' ? { isAway: true } : {}

/** Makes the call to a process. What is neither an answer nor a refusal is thrown. */
export const perform = async (engine: Engine, person: Person, call: Call): Promise<Answer> => {
  try {
    // The way of a name takes the call of that name.
    const result = await (performs[call.name] as Perform<Call>)(engine, person, call)
    if (isMadeKey(result)) return { told: { key: result.row.id } }
    return isLiveSession(result) ? toAnswer(engine, result) : { told: {} }
  } catch (error) {
    if (error instanceof Refusal) return { told: { refused: error.code, ...mayBeAway(call, error) } }
    if (isTooSlow(error)) return { told: { refused: 'unavailable', isAway: true } }
    throw error
  }
}
