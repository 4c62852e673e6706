import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { type Held, openScene, type Pair, refresh, renewPair, type Scene, window } from './scene.ts'

const newPassword = 'quite another password'

let t: TestApp
let scene: Scene
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  scene = await openScene(t)
})

const claimsOf = (access: string) =>
  JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
const open = ({ pair }: Pick<Held, 'pair'>) => t.call('GET', 'protected', { token: pair.access })

const stepUp = ({ pair }: Held, body: unknown = { password }, on = t) =>
  on.call('POST', 'step-up', { token: pair.access, body })
const changePassword = (
  { pair }: Held,
  body: unknown = { current_password: password, new_password: newPassword },
) => t.call('PUT', 'me/password', { token: pair.access, body })
const signIn = async (word: string) =>
  (await t.call('POST', 'login', { body: { username: scene.username, password: word } })).status

const doors = { 'a step-up': stepUp, 'a change of the password': changePassword }

for (const [name, act] of Object.entries(doors))
  describe(name, () => {
    const renew = async (held = scene.self): Promise<Pair> => {
      const { status, body, text } = await act(held)
      assert.equal(status, 200, text)
      assert.deepEqual(Object.keys(body), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
      return { access: body.access_token, refresh: body.refresh_token }
    }

    test('answers with a pair of a new id, with a fresh time of sign-in and the proof that was shown', async () => {
      t.clock.advance(5 * minute)
      const before = claimsOf(scene.self.pair.access)
      const { access } = await renew()
      const now = claimsOf(access)
      assert.notEqual(now.sid.split('.')[0], before.sid.split('.')[0])
      assert.equal(now.auth_time, Math.floor(t.clock.now() / second))
      assert.ok(now.auth_time > before.auth_time)
      assert.deepEqual(now.amr, ['pwd'])
    })

    test('lists the session once, under its new id, on the same device', async () => {
      const pair = await renew()
      const { body } = await t.call('GET', 'sessions', { token: pair.access })
      const ids = body.sessions.map(({ id }: { id: string }) => id)
      assert.ok(!ids.includes(scene.self.sessionId))
      const current = body.sessions.filter((session: { current: boolean }) => session.current)
      assert.deepEqual(
        current.map(({ id }: { id: string }) => id),
        [claimsOf(pair.access).sid.split('.')[0]],
      )
    })

    test('ends the old access token at once, in the second in which it was made', async () => {
      await renew()
      const answer = await open(scene.self)
      assert.deepEqual([answer.status, answer.body.code], [401, 'session_ended'])
    })

    const old: Record<string, { readonly behind: 0 | 1 | 2; readonly wait: number; readonly code: string }> =
      {
        'the live one, at once': { behind: 0, wait: 0, code: 'session_renewed' },
        'the live one, in the last moment of the window': {
          behind: 0,
          wait: window - 1,
          code: 'session_renewed',
        },
        'the live one, when the window is over': { behind: 0, wait: window, code: 'session_ended' },
        'the one before, in the window': { behind: 1, wait: 0, code: 'session_renewed' },
        'an older one, in the window': { behind: 2, wait: 0, code: 'session_ended' },
      }
    for (const [shown, { behind, wait, code }] of Object.entries(old))
      test(`tells the replaced refresh token (${shown}) ${code}, and nothing else`, async () => {
        const tokens = [scene.self.pair]
        for (let n = 0; n < 2; n++) {
          t.clock.advance(window)
          await renewPair(t, scene.self)
          tokens.unshift(scene.self.pair)
        }
        const pair = await renew()
        t.clock.advance(wait)
        const answer = await refresh(t, { pair: tokens[behind] ?? pair })
        assert.deepEqual([answer.status, answer.body.code], [code === 'session_renewed' ? 409 : 401, code])
        for (const hidden of [pair.access, pair.refresh, 'gwr_']) assert.ok(!answer.text.includes(hidden))
        assert.equal((await refresh(t, { pair })).status, 200, 'and it is no theft')
      })

    test('twenty times at once gives one new id, and one session', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => act(scene.self)))
      const statuses = answers.map(({ status }) => status).sort()
      assert.deepEqual(statuses, [200, ...Array(19).fill(401)])
      const live = await t.engine.db
        .selectFrom('sessions')
        .select('id')
        .where('user_id', '=', scene.userId)
        .where('ended_at', 'is', null)
        .where('id', 'not in', [scene.other.sessionId, scene.third.sessionId])
        .execute()
      assert.equal(live.length, 1)
    })

    test('is for a signed-in user only', async () => {
      const nobody = { sessionId: '', pair: { access: 'a.b.c', refresh: '' } }
      assert.deepEqual((await act(nobody)).body.code, 'invalid_token')
      await t.call('POST', 'logout', { token: scene.self.pair.access })
      assert.equal((await act(scene.self)).body.code, 'session_ended')
    })
  })

describe('a step-up is refused, and the session goes on as it was', () => {
  const refusals: Record<string, { readonly body: unknown; readonly code: string; readonly hashes: number }> =
    {
      'with a wrong password': { body: { password: newPassword }, code: 'invalid_credentials', hashes: 1 },
      'with an empty password': { body: { password: '' }, code: 'validation_failed', hashes: 0 },
      'with a password of 1,025 bytes': {
        body: { password: 'a'.repeat(1_025) },
        code: 'validation_failed',
        hashes: 0,
      },
      'with somebody else named': {
        body: { password, username: 'admin' },
        code: 'validation_failed',
        hashes: 0,
      },
    }
  for (const [name, { body, code, hashes }] of Object.entries(refusals))
    test(name, async () => {
      const before = t.engine.hasher.count()
      assert.equal((await stepUp(scene.self, body)).body.code, code)
      assert.equal(t.engine.hasher.count() - before, hashes)
      assert.equal((await open(scene.self)).body.session_id, scene.self.sessionId)
      assert.equal((await refresh(t, scene.self)).status, 200)
    })

  test('after five attempts in a minute, without a hash: a stolen access token does not guess the password', async () => {
    const strict = await startTestApp()
    const own = await openScene(strict)
    const limited = await startTestApp({ ...strict.engine.settings, limitsScale: 1 })
    const guess = () => stepUp(own.self, { password: newPassword }, limited)
    for (let n = 0; n < 5; n++) assert.equal((await guess()).status, 401)
    const before = limited.engine.hasher.count()
    const refused = await guess()
    assert.deepEqual([refused.status, refused.body.code], [429, 'rate_limited'])
    assert.ok(Number(refused.headers['retry-after']) >= 1)
    assert.equal((await stepUp(own.self, { password }, limited)).status, 429, 'the right one as well')
    assert.equal(limited.engine.hasher.count(), before)
    await limited.close()
    await strict.close()
  })
})

describe('a change of the password', () => {
  test('lets only the new password in', async () => {
    assert.equal((await changePassword(scene.self)).status, 200)
    assert.equal(await signIn(password), 401)
    assert.equal(await signIn(newPassword), 200)
  })

  test('ends the other sessions, each with its cut-off and its reason', async () => {
    await changePassword(scene.self)
    for (const held of [scene.other, scene.third]) {
      assert.equal((await open(held)).body.code, 'session_ended')
      assert.equal((await refresh(t, held)).body.code, 'session_ended')
      const row = await t.engine.db
        .selectFrom('sessions')
        .innerJoin('cut_offs', 'cut_offs.subject', 'sessions.id')
        .select(['end_reason', 'kind'])
        .where('sessions.id', '=', held.sessionId)
        .executeTakeFirst()
      assert.deepEqual({ ...row }, { end_reason: 'password_changed', kind: 'session' })
    }
    assert.equal((await open(scene.stranger)).status, 200)
  })

  const refusals: Record<string, { readonly body: unknown; readonly code: string }> = {
    'with a wrong present password': {
      body: { current_password: newPassword, new_password: newPassword },
      code: 'invalid_credentials',
    },
    'to a short one': {
      body: { current_password: password, new_password: 'a'.repeat(14) },
      code: 'password_too_short',
    },
    'to one of 1,025 bytes': {
      body: { current_password: password, new_password: 'é'.repeat(513) },
      code: 'validation_failed',
    },
    'without the present password': { body: { new_password: newPassword }, code: 'validation_failed' },
    'of somebody else': {
      body: { current_password: password, new_password: newPassword, username: 'admin' },
      code: 'validation_failed',
    },
  }
  for (const [name, { body, code }] of Object.entries(refusals))
    test(`is refused ${name}, and changes nothing`, async () => {
      assert.equal((await changePassword(scene.self, body)).body.code, code)
      assert.equal(await signIn(password), 200)
      for (const held of [scene.self, scene.other]) assert.equal((await open(held)).status, 200)
    })

  test('needs a recent sign-in: a session of more than ten minutes ago must step up first', async () => {
    t.clock.advance(10 * minute + second)
    await renewPair(t, scene.self)
    const refused = await changePassword(scene.self)
    assert.deepEqual([refused.status, refused.body.code], [401, 'insufficient_user_authentication'])
    assert.match(
      String(refused.headers['www-authenticate']),
      /error="insufficient_user_authentication".*max_age="600"/,
    )
    const { body } = await stepUp(scene.self)
    const stepped = { sessionId: '', pair: { access: body.access_token, refresh: body.refresh_token } }
    assert.equal((await changePassword(stepped)).status, 200)
  })
})
