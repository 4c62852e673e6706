import assert from 'node:assert/strict'
import { changeRoles, disableUser, enableUser } from 'gatewright/administration'
import { endAllSessions } from '../../packages/gatewright/src/administration/end-user-sessions.ts'
import { forcePasswordChange } from '../../packages/gatewright/src/administration/force-password-change.ts'
import { resetFactors } from '../../packages/gatewright/src/administration/reset-factors.ts'
import { retireSecret } from '../../packages/gatewright/src/administration/retire-secret.ts'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import type { ConsequenceEvent } from '../../packages/gatewright/src/consequences/table.ts'
import { minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { codeAt, plantTotp } from '../factors/enrolled.ts'
import { type Answer, password, startTestApp, type TestApp } from '../harness.ts'
import { giveAddress, giveLink } from '../mail/given-link.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'
import { openSecondConnection } from './second-connection.ts'
import { addUser, type SignedIn, signInAs } from './signed-in.ts'

export type Pair = { readonly access: string; readonly refresh: string }
/** What a client holds of its session, at any time. */
export type Held = { readonly sessionId: string; pair: Pair }

/** A user with three sessions, and somebody else. */
export type Scene = {
  readonly t: TestApp
  readonly userId: string
  readonly username: string
  /** The session in which the event happens. */
  readonly self: Held
  readonly other: Held
  readonly third: Held
  readonly stranger: Held
}

const idle = 5 * minute
const longest = 15 * minute

/** How much earlier a session begins that is to end by the clock while the others live. */
export const apart = minute

/** The app for scenes: sessions are short, so that one idle too long leaves good access tokens behind. */
export const startSceneApp = (): Promise<TestApp> =>
  startTestApp({ sessionIdleTtl: idle, sessionMaxTtl: longest })

/** `REFRESH_RETRY_WINDOW` */
export const window = 10 * second

const passwordHash = hashCheaply(password)
let scenes = 0

const toHeld = ({ sessionId, access, refresh }: SignedIn): Held => ({ sessionId, pair: { access, refresh } })

/** A session that begins now. */
export const signIn = async (t: TestApp, userId: string): Promise<Held> =>
  toHeld(await signInAs(t.engine, userId))

/** @param earlier how much earlier than the others the session began in which the event happens */
export const openScene = async (t: TestApp, earlier = 0): Promise<Scene> => {
  const username = `ann${++scenes}`
  const { id: userId } = await addUser(t.engine, username, { passwordHash })
  const { id: strangerId } = await addUser(t.engine, `ben${scenes}`)
  const self = await signIn(t, userId)
  t.clock.advance(earlier)
  return {
    t,
    userId,
    username,
    self,
    other: await signIn(t, userId),
    third: await signIn(t, userId),
    stranger: await signIn(t, strangerId),
  }
}

const toPair = ({ status, body, text }: Answer): Pair => {
  assert.equal(status, 200, text)
  return { access: body.access_token, refresh: body.refresh_token }
}

export const refresh = (t: TestApp, { pair }: { readonly pair: Pair }): Promise<Answer> =>
  t.call('POST', 'refresh', { body: { refresh_token: pair.refresh } })

/** Refreshes, and holds what came. */
export const renewPair = async (t: TestApp, held: Held): Promise<void> => {
  held.pair = toPair(await refresh(t, held))
}

type Act = (scene: Scene) => Promise<Pair | undefined>

/** How each event comes about; where it gives a new id, the pair that the answer carried. */
export const acts: Record<ConsequenceEvent, Act> = {
  logout: async ({ t, self }) => {
    assert.equal((await t.call('POST', 'logout', { token: self.pair.access })).status, 200)
    return undefined
  },
  'session idle': async ({ t, self, other, third, stranger }) => {
    t.clock.advance(idle - apart - minute)
    for (const held of [other, third, stranger]) await renewPair(t, held)
    t.clock.advance(minute)
    assert.equal((await refresh(t, self)).body.code, 'session_ended')
    return undefined
  },
  'session expired': async ({ t, self, other, third, stranger }) => {
    const others = [other, third, stranger]
    const quarter = (longest - apart) / 4
    for (const held of [[self, ...others], [self, ...others], [self, ...others], others]) {
      t.clock.advance(quarter)
      for (const each of held) await renewPair(t, each)
    }
    assert.equal((await refresh(t, self)).body.code, 'session_ended')
    return undefined
  },
  'other session ended': async ({ t, self, other }) => {
    const path = `sessions/${other.sessionId}`
    assert.equal((await t.call('DELETE', path, { token: self.pair.access })).status, 204)
    return undefined
  },
  'all others ended': async ({ t, self }) => {
    assert.equal((await t.call('DELETE', 'sessions', { token: self.pair.access })).status, 204)
    return undefined
  },
  'step-up': async ({ t, self }) =>
    toPair(await t.call('POST', 'step-up', { token: self.pair.access, body: { password } })),
  'password changed': async ({ t, self }) => {
    const body = { current_password: password, new_password: `${password} again` }
    return toPair(await t.call('PUT', 'me/password', { token: self.pair.access, body }))
  },
  'second factor added': async ({ t, self }) => {
    const { body } = await t.call('POST', 'me/totp', { token: self.pair.access })
    const code = codeAt(body.secret, t.clock.now())
    return toPair(await t.call('POST', 'me/totp/confirm', { token: self.pair.access, body: { code } }))
  },
  'second factor removed': async ({ t, self, userId }) => {
    await plantTotp(t.engine, userId)
    return toPair(await t.call('DELETE', 'me/totp', { token: self.pair.access }))
  },
  'all ended by administrator': async ({ t, userId }) => {
    await endAllSessions(t.engine, { userId, origin })
    return undefined
  },
  'password change forced': async ({ t, userId }) => {
    await forcePasswordChange(t.engine, { userId, origin })
    return undefined
  },
  'second factors reset': async ({ t, userId }) => {
    await plantTotp(t.engine, userId)
    await resetFactors(t.engine, { userId, reason: 'lost', origin })
    return undefined
  },
  'recovery codes renewed': async ({ t, self, userId }) => {
    await plantTotp(t.engine, userId)
    return toPair(await t.call('POST', 'me/recovery-codes', { token: self.pair.access }))
  },
  'password reset': async ({ t, userId }) => {
    await giveAddress(t.engine, userId, `${userId}@example.org`)
    const token = await giveLink(t.engine, 'reset-password', userId, { email: `${userId}@example.org` })
    const body = { token, new_password: `${password} again` }
    assert.equal((await t.call('POST', 'password/reset', { body })).status, 204)
    return undefined
  },
  'e-mail change undone': async ({ t, userId }) => {
    await giveAddress(t.engine, userId, `${userId}@example.net`)
    const token = await giveLink(t.engine, 'undo-email', userId, { email: `${userId}@example.org` })
    assert.equal((await t.call('POST', 'email/undo', { body: { token } })).status, 200)
    return undefined
  },
  'denied by owner': async ({ t, userId }) => {
    await giveAddress(t.engine, userId, `${userId}@example.org`)
    const token = await giveLink(t.engine, 'not-me', userId, { email: `${userId}@example.org` })
    assert.equal((await t.call('POST', 'email/not-me', { body: { token } })).status, 200)
    return undefined
  },
  'e-mail changed': async ({ t, userId }) => {
    await giveAddress(t.engine, userId, `${userId}@example.org`)
    const token = await giveLink(t.engine, 'verify-email', userId, { email: `${userId}@example.net` })
    assert.equal((await t.call('POST', 'email/verify', { body: { token } })).status, 204)
    return undefined
  },
  'refresh token reused': async ({ t, self }) => {
    const old = { pair: self.pair }
    t.clock.advance(window)
    await renewPair(t, self)
    t.clock.advance(window)
    assert.equal((await refresh(t, old)).body.code, 'refresh_token_reused')
    return undefined
  },
  'refresh token ahead': async ({ t, self }) => {
    t.clock.advance(window)
    await renewPair(t, self)
    const second = openSecondConnection(t.engine)
    await second.run('update sessions set generation = 1 where id = ?', self.sessionId)
    second.close()
    assert.equal((await refresh(t, self)).body.code, 'session_ended')
    return undefined
  },
  'roles changed': async ({ t, userId }) => {
    await changeRoles(t.engine, { userId, roles: ['moderator'], origin })
    return undefined
  },
  'user disabled': async ({ t, userId }) => {
    await disableUser(t.engine, { userId, origin })
    return undefined
  },
  'user deleted': async ({ t, self }) => {
    assert.equal((await t.call('DELETE', 'me', { token: self.pair.access })).status, 204)
    return undefined
  },
  'secret retired': async ({ t, self }) => {
    // As if a secret that has been replaced since had made its token.
    const second = openSecondConnection(t.engine)
    await second.run(`update sessions set secret_id = 'former' where id = ?`, self.sessionId)
    await retireSecret(t.engine, { secretId: 'former', origin })
    // Where the former one is still listed, the token can be read.
    await second.run(
      'update sessions set secret_id = ? where id = ?',
      t.engine.secrets.newestId,
      self.sessionId,
    )
    second.close()
    return undefined
  },
  'user enabled': async ({ t, userId }) => {
    await disableUser(t.engine, { userId, origin })
    await enableUser(t.engine, { userId, origin })
    return undefined
  },
}
