import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { day, second } from '../../packages/gatewright/src/ground/clock.ts'
import { sha256 } from '../../packages/gatewright/src/ground/encoding.ts'
import { signIn } from '../../packages/gatewright/src/sign-in/sign-in.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { type Caller, password, signUp, startTestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { type Browser, browse, isCleared, openBrowser, sessionIdOf, show, toBrowser } from './browser.ts'
import { ann, doors, liveSessionsOf, me, rowOf, t, tab, useCookieScene, window } from './cookie-scene.ts'
import { openSecondConnection } from './second-connection.ts'

useCookieScene()

describe('signing in with a cookie', () => {
  test('sets a cookie that no script and no other host sees, and answers with a CSRF token alone', async () => {
    const body = { username: ann.username, password }
    const answer = await t.call('POST', 'sessions', { body })
    assert.equal(answer.status, 201)
    assert.deepEqual(Object.keys(answer.body), ['csrf_token'])
    const [first, ...flags] = String([answer.headers['set-cookie']].flat()[0]).split('; ')
    assert.match(first ?? '', /^gw_session=gws_[\w-]{48}$/)
    assert.deepEqual(flags, ['Path=/', `Max-Age=${(30 * day) / second}`, 'HttpOnly', 'SameSite=Lax'])
    assert.ok(!answer.text.includes('gws_'))
  })

  test('where the address is https the cookie is Secure and its name begins with __Host-', async owner => {
    const secure = await startTestApp({ publicUrl: 'https://api.example.org' })
    owner.after(() => secure.close())
    const { username } = await signUp(secure, 'ann')
    const answer = await secure.call('POST', 'sessions', { body: { username, password } })
    const [first, ...flags] = String([answer.headers['set-cookie']].flat()[0]).split('; ')
    assert.match(first ?? '', /^__Host-gw_session=gws_/)
    assert.deepEqual(flags.slice(2), ['Secure', 'HttpOnly', 'SameSite=Lax'])
    const there = toBrowser(answer)
    assert.equal((await browse(secure, there, 'GET', 'me')).status, 200)
    const wrongName = there.cookie.replace('__Host-', '')
    assert.equal(
      show(await browse(secure, { ...there, cookie: wrongName }, 'GET', 'me')),
      '401 invalid_token',
    )
  })

  test('stores the hash of the secret and nothing of the secret', async () => {
    const secret = tab.cookie.split('=')[1] ?? ''
    const id = await sessionIdOf(t, tab)
    const row = await rowOf(id)
    assert.equal(row.secret_hash, sha256(secret))
    assert.ok(!JSON.stringify(row).includes(secret.slice(4)))
    assert.ok(!secret.includes(id) && !tab.csrf.includes(id))
  })

  test('refuses every wrong credential with the answer of POST /login, header by header', async () => {
    const off = await signUp(t, freshName())
    await disableUser(t.engine, { userId: off.id, origin })
    const tries = [
      { username: ann.username, password: 'wrong' },
      { username: freshName(), password },
      { username: off.username, password },
    ]
    for (const body of tries) {
      const [byToken, byCookie] = [
        await t.call('POST', 'login', { body }),
        await t.call('POST', 'sessions', { body }),
      ]
      const told = ({ headers, text }: typeof byToken) => {
        const { date, ratelimit, 'x-request-id': id, ...rest } = headers
        return [rest, text.replace(String(id), '')]
      }
      assert.equal(show(byCookie), '401 invalid_credentials')
      assert.deepEqual(told(byCookie), told(byToken))
      assert.equal(byCookie.headers['set-cookie'], undefined)
    }
  })

  test('counts on the limit of POST /login: six guesses a minute are one too many, whatever the door', async owner => {
    const strict = await startTestApp({ limitsScale: 1 })
    owner.after(() => strict.close())
    const guess = (path: string) =>
      strict.call('POST', path, { body: { username: 'ann', password: 'wrong' } })
    for (const path of ['login', 'sessions', 'login', 'sessions', 'sessions'])
      assert.equal((await guess(path)).status, 401)
    for (const path of ['login', 'sessions']) assert.equal((await guess(path)).status, 429)
  })

  test('leaves the rows that POST /login leaves', async () => {
    const id = await sessionIdOf(t, tab)
    const rows = await t.engine.db
      .selectFrom('audit_events')
      .select(['event', 'user_id', 'actor', 'details'])
      .where('session_id', '=', id)
      .execute()
    assert.deepEqual(
      rows.map(row => ({ ...row })),
      [{ event: 'session.started', user_id: ann.id, actor: ann.id, details: '{"amr":["pwd"]}' }],
    )
  })

  test('ends the session of the cookie that was there, and only when it succeeds', async () => {
    const id = await sessionIdOf(t, tab)
    const again = (word: string) =>
      browse(t, tab, 'POST', 'sessions', { body: { username: ann.username, password: word } })
    assert.equal(show(await again('wrong')), '401 invalid_credentials')
    assert.equal((await me()).status, 200)
    const fresh = toBrowser(await again(password))
    assert.notEqual(fresh.cookie, tab.cookie)
    assert.equal(show(await me()), '401 session_ended')
    assert.equal((await me(fresh)).status, 200)
    assert.equal((await rowOf(id)).end_reason, 'logout')
  })

  for (const [what, cookie] of [
    ['of an ended session', undefined],
    ['that is no secret', 'gw_session=garbage'],
    ['that nobody was given', `gw_session=${'gws_'.padEnd(52, 'A')}`],
  ] as const)
    test(`is not kept out by a cookie ${what}`, async () => {
      await browse(t, tab, 'POST', 'logout')
      const old = cookie ?? tab.cookie
      for (const path of ['sessions', 'login']) {
        const body = { username: ann.username, password }
        const answer = await browse(t, { ...tab, cookie: old }, 'POST', path, { body })
        assert.ok(answer.status < 300, answer.text)
      }
    })
})

describe('a sign-in in a browser that has a cookie', () => {
  const signInAs = (username: string, browser = tab) =>
    browse(t, browser, 'POST', 'sessions', { body: { username, password } })
  const former = (caller: Caller, sessionId: string) => ({
    name: caller.username,
    password: parsePassword(password, '/password'),
    device: '',
    origin,
    holding: 'cookie' as const,
    replaces: { userId: caller.id, sessionId },
  })

  test('a request of before it, judged after it, does not take the new cookie from the browser', async () => {
    const fresh = toBrowser(await signInAs(ann.username))
    for (const path of ['me', 'posts']) {
      const late = await browse(t, tab, 'GET', path)
      assert.equal(show(late), '401 session_ended')
      assert.equal(late.headers['set-cookie'], undefined)
    }
    assert.equal((await me(fresh)).status, 200)
  })

  test('nor where REFRESH_RETRY_WINDOW is 0', async owner => {
    const strict = await startTestApp({ refreshRetryWindow: 0 })
    owner.after(() => strict.close())
    const { username } = await signUp(strict, 'ann')
    const old = await openBrowser(strict, username)
    await browse(strict, old, 'POST', 'sessions', { body: { username, password } })
    strict.clock.advance(window - 1)
    const late = await browse(strict, old, 'GET', 'me')
    assert.equal(show(late), '401 session_ended')
    assert.equal(late.headers['set-cookie'], undefined)
    strict.clock.advance(1)
    assert.ok(isCleared(await browse(strict, old, 'GET', 'me')))
  })

  test('ends what went on in place of the session: another tab renewed it while the password was hashed', async () => {
    const id = await sessionIdOf(t, tab)
    const renewed = toBrowser(await doors['a step-up'](tab))
    const { session } = await signIn(t.engine, former(ann, id))
    assert.equal(show(await me(renewed)), '401 session_ended')
    assert.deepEqual(
      (await liveSessionsOf(ann.id)).map(row => row.id),
      [session.id],
    )
  })

  test('at once with a step-up it leaves one session, in every round', async () => {
    let own = tab
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        round % 2 === 0
          ? [signInAs(ann.username, own), doors['a step-up'](own)]
          : [doors['a step-up'](own), signInAs(ann.username, own)],
      )
      const live = await liveSessionsOf(ann.id)
      assert.equal(live.length, 1, answers.map(show).join())
      const held = await Promise.all(
        answers.filter(({ status }) => status < 300).map(answer => me(toBrowser(answer))),
      )
      assert.equal(held.filter(({ status }) => status === 200).length, 1)
      own = await openBrowser(t, ann.username)
      await browse(t, own, 'DELETE', 'sessions')
    }
  })

  test('two browsers that change places at once wait for neither: each user has one session', async () => {
    const bob = await signUp(t, freshName())
    let tabs: readonly [Browser, Browser] = [tab, await openBrowser(t, bob.username)]
    for (let round = 0; round < 10; round++) {
      const [first, second] = round % 2 === 0 ? [bob, ann] : [ann, bob]
      const [one, other] = await Promise.all([
        signInAs(first.username, tabs[0]),
        signInAs(second.username, tabs[1]),
      ])
      tabs = [toBrowser(one), toBrowser(other)]
      for (const { id } of [ann, bob]) assert.equal((await liveSessionsOf(id)).length, 1)
    }
  })

  test('whose former session can not be ended gives no cookie: the old one works, and nobody has the new session', async () => {
    const bob = await signUp(t, freshName())
    const id = await sessionIdOf(t, tab)
    const second = openSecondConnection(t.engine)
    const ended =
      "insert into audit_events (at, event, session_id, details) values (0, 'session.ended', ?, '{}')"
    await second.run(ended, id)
    await second.run(
      "create unique index ends_once on audit_events (session_id) where event = 'session.ended'",
    )
    const answer = await signInAs(bob.username)
    await second.run('drop index ends_once')
    second.close()
    assert.ok(answer.status >= 500, answer.text)
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.equal((await me()).status, 200)
    assert.deepEqual(await liveSessionsOf(bob.id), [])
    const fresh = toBrowser(await signInAs(bob.username))
    assert.equal(show(await me()), '401 session_ended')
    assert.equal((await me(fresh)).body.username, bob.username)
  })

  test('while nothing can be ended gives no cookie either, and the old one works', async () => {
    const second = openSecondConnection(t.engine)
    await second.run('alter table cut_offs rename to away')
    const answer = await signInAs(ann.username)
    await second.run('alter table away rename to cut_offs')
    second.close()
    assert.ok(answer.status >= 500, answer.text)
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.equal((await me()).status, 200)
  })
})
