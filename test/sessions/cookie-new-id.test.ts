import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { second } from '../../packages/gatewright/src/ground/clock.ts'
import { logOut } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { password, signUp, startTestApp } from '../harness.ts'
import { browse, isCleared, openBrowser, sessionIdOf, show, toBrowser } from './browser.ts'
import {
  ann,
  doors,
  liveSessionsOf,
  me,
  newPassword,
  t,
  tab,
  useCookieScene,
  window,
} from './cookie-scene.ts'

useCookieScene()

/** What twenty of one door get that were too late: the password that they confirm is another one then. */
const late = { 'a step-up': '409 session_renewed', 'a change of the password': '401 invalid_credentials' }

for (const [name, act] of Object.entries(doors))
  describe(`${name} with a cookie`, () => {
    const tooLate = late[name as keyof typeof late]

    test('answers with a new cookie and its CSRF token, and with no tokens', async () => {
      const id = await sessionIdOf(t, tab)
      const answer = await act(tab)
      assert.equal(answer.status, 200)
      assert.deepEqual(Object.keys(answer.body), ['csrf_token'])
      const fresh = toBrowser(answer)
      assert.notEqual(fresh.cookie, tab.cookie)
      assert.notEqual(fresh.csrf, tab.csrf)
      assert.notEqual(await sessionIdOf(t, fresh), id)
      const current = await browse(t, fresh, 'GET', 'sessions/current')
      assert.equal(current.body.csrf_token, fresh.csrf)
    })

    test('is followed by 409 session_renewed for the former cookie anywhere, and nothing else, and then by 401', async () => {
      const fresh = toBrowser(await act(tab))
      const old = {
        'a private page': () => me(),
        'a public page': () => browse(t, tab, 'GET', 'posts'),
        'a write': () => browse(t, tab, 'POST', 'posts', { body: { title: 'a', content: 'b' } }),
        'a step-up': () => browse(t, tab, 'POST', 'step-up', { body: { password } }),
        'a logout': () => browse(t, tab, 'POST', 'logout'),
        'a sign-in': () => browse(t, tab, 'POST', 'sessions', { body: { username: ann.username, password } }),
      }
      for (const [what, ask] of Object.entries(old)) {
        const answer = await ask()
        assert.equal(show(answer), '409 session_renewed', what)
        assert.equal(answer.headers['set-cookie'], undefined, 'the browser may hold the new one already')
        for (const hidden of [fresh.cookie, fresh.csrf]) assert.ok(!answer.text.includes(hidden))
      }
      t.clock.advance(window - 1)
      assert.equal(show(await me()), '409 session_renewed')
      t.clock.advance(1)
      assert.equal(show(await me()), '401 session_ended')
      assert.equal((await me(fresh)).status, 200)
    })

    test('twenty times at once gives one new cookie and one session', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => act(tab)))
      const renewed = answers.filter(({ status }) => status === 200)
      assert.equal(renewed.length, 1)
      const others = new Set(answers.filter(({ status }) => status !== 200).map(show))
      assert.deepEqual([...others], [tooLate])
      assert.ok(answers.every(({ status, headers }) => status === 200 || !headers['set-cookie']))
      assert.equal((await liveSessionsOf(ann.id)).length, 1)
      assert.equal((await me(toBrowser(renewed[0] ?? assert.fail()))).status, 200)
    })

    for (const order of ['before', 'after'])
      test(`at once with a logout that is sent ${order} it leaves no session that nobody knows of`, async () => {
        const logout = () => browse(t, tab, 'POST', 'logout')
        const [stepped, out] =
          order === 'after'
            ? await Promise.all([act(tab), logout()])
            : (await Promise.all([logout(), act(tab)])).reverse()
        assert.ok(stepped && out)
        const live = await liveSessionsOf(ann.id)
        if (show(out) === '200') return assert.deepEqual(live, [])
        assert.equal(show(out), '409 session_renewed')
        const fresh = toBrowser(stepped)
        assert.equal((await browse(t, fresh, 'POST', 'logout')).status, 200)
        assert.deepEqual(await liveSessionsOf(ann.id), [])
      })

    test('that commits while a logout is on its way is followed: what goes on in its place ends', async () => {
      const id = await sessionIdOf(t, tab)
      const fresh = toBrowser(await act(tab))
      await logOut(t.engine, { userId: ann.id, sessionId: id, origin })
      assert.equal(show(await me(fresh)), '401 session_ended')
    })
  })

test('a former cookie within a long REFRESH_RETRY_WINDOW never takes the new one from the browser', async owner => {
  const patient = await startTestApp({ refreshRetryWindow: 60 * second })
  owner.after(() => patient.close())
  const { username } = await signUp(patient, 'ann')
  const old = await openBrowser(patient, username)
  await browse(patient, old, 'POST', 'step-up', { body: { password } })
  for (const passes of [0, 30 * second, 30 * second - 1]) {
    patient.clock.advance(passes)
    const late = await browse(patient, old, 'GET', 'me')
    assert.equal(show(late), '409 session_renewed')
    assert.equal(late.headers['set-cookie'], undefined)
  }
  patient.clock.advance(1)
  const after = await browse(patient, old, 'GET', 'me')
  assert.deepEqual([show(after), isCleared(after)], ['401 session_ended', true])
})

describe('after a change of the password with a cookie', () => {
  test('the other sessions have ended, with cookie or tokens, and this one goes on', async () => {
    const other = await openBrowser(t, ann.username)
    const fresh = toBrowser(await doors['a change of the password'](tab))
    assert.equal(show(await me(other)), '401 session_ended')
    assert.equal(show(await t.call('GET', 'me', { token: ann.access })), '401 session_ended')
    assert.equal((await me(fresh)).status, 200)
  })
})

test('within one second: cookies of before a change of the password are refused and those of after it taken', async () => {
  const [now, other] = [t.clock.now(), await openBrowser(t, ann.username)]
  const changed = toBrowser(await doors['a change of the password'](tab))
  const body = { username: ann.username, password: newPassword }
  const anew = toBrowser(await t.call('POST', 'sessions', { body }))
  assert.equal(t.clock.now(), now)
  assert.equal(show(await me(tab)), '409 session_renewed')
  assert.equal(show(await me(other)), '401 session_ended')
  for (const browser of [changed, anew]) assert.equal((await me(browser)).status, 200)
})
