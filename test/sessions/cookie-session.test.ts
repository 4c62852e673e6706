import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { changeRoles, disableUser, enableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { day, minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { sha256 } from '../../packages/gatewright/src/ground/encoding.ts'
import { findCookieSession } from '../../packages/gatewright/src/sessions/find-cookie-session.ts'
import { checkCookieSession } from '../../packages/gatewright/src/sign-in/cookie-session.ts'
import { logOut } from '../../packages/gatewright/src/sign-in/end-sessions.ts'
import { signIn } from '../../packages/gatewright/src/sign-in/sign-in.ts'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'
import { newSessionSecret, parseSessionSecret } from '../../packages/gatewright/src/tokens/session-secret.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import {
  type Browser,
  browse,
  cookieOf,
  headersOf,
  isCleared,
  openBrowser,
  sessionIdOf,
  show,
  toBrowser,
} from './browser.ts'
import { startCountedApp } from './counted-app.ts'
import { logQueries } from './query-log.ts'
import { openSecondConnection } from './second-connection.ts'

const newPassword = 'quite another password'
const window = 10 * second

let t: TestApp
let ann: Caller
let tab: Browser
before(async () => {
  t = await startTestApp()
})
after(() => t.close())
beforeEach(async () => {
  ann = await signUp(t, freshName())
  tab = await openBrowser(t, ann.username)
})

const me = (browser = tab) => browse(t, browser, 'GET', 'me')
const rowOf = (id: string) =>
  t.engine.db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
const liveSessionsOf = (userId: string) =>
  t.engine.db
    .selectFrom('sessions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where('secret_hash', 'is not', null)
    .execute()

describe('signing in with a cookie', () => {
  test('sets one cookie that no script and no other host sees, and answers with a CSRF token alone', async () => {
    const body = { username: ann.username, password }
    const answer = await t.call('POST', 'sessions', { body })
    assert.equal(answer.status, 201)
    assert.deepEqual(Object.keys(answer.body), ['csrf_token'])
    const [first, ...flags] = String(answer.headers['set-cookie']).split('; ')
    assert.match(first ?? '', /^gw_session=gws_[\w-]{48}$/)
    assert.deepEqual(flags, ['Path=/', `Max-Age=${(30 * day) / second}`, 'HttpOnly', 'SameSite=Lax'])
    assert.ok(!answer.text.includes('gws_'))
  })

  test('where the address is https the cookie is Secure and its name begins with __Host-', async owner => {
    const secure = await startTestApp({ publicUrl: 'https://api.example.org' })
    owner.after(() => secure.close())
    const { username } = await signUp(secure, 'ann')
    const answer = await secure.call('POST', 'sessions', { body: { username, password } })
    const [first, ...flags] = String(answer.headers['set-cookie']).split('; ')
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

describe('GET /sessions/current', () => {
  test('tells session, user and CSRF token of the cookie', async () => {
    const { status, body } = await browse(t, tab, 'GET', 'sessions/current')
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(body), ['session', 'user', 'csrf_token'])
    assert.equal(body.session.current, true)
    assert.equal(body.user.username, ann.username)
    assert.equal(body.csrf_token, tab.csrf)
  })

  test('tells a bearer its session and user, and no CSRF token', async () => {
    const { body } = await t.call('GET', 'sessions/current', { token: ann.access })
    assert.deepEqual(Object.keys(body), ['session', 'user'])
    assert.notEqual(body.session.id, await sessionIdOf(t, tab))
  })

  test('is 401 without a credential', async () => {
    assert.equal(show(await t.call('GET', 'sessions/current')), '401 invalid_token')
  })
})

describe('a cookie session holds no tokens, and a token session no cookie', () => {
  test('no refresh token of a cookie session is good, however well it is made', async () => {
    const row = await rowOf(await sessionIdOf(t, tab))
    const made = makeRefreshToken(t.engine.secrets, row, row.generation)
    for (const path of ['refresh', 'logout']) {
      const answer = await t.call('POST', path, { body: { refresh_token: made } })
      assert.equal(show(answer), '401 invalid_token', path)
    }
    assert.equal((await me()).status, 200)
  })

  test('the row of a token session has no secret', async () => {
    const { sessionId } = await t.engine.accessTokens.verify(ann.access)
    assert.equal((await rowOf(sessionId)).secret_hash, null)
  })

  test('POST /refresh makes no tokens of a cookie', async () => {
    assert.equal(show(await browse(t, tab, 'POST', 'refresh', { body: {} })), '401 invalid_token')
  })

  test('the cookie as access token, as refresh token and as API key lets nobody in', async () => {
    const secret = tab.cookie.split('=')[1] ?? ''
    for (const headers of [{ authorization: `Bearer ${secret}` }, { 'x-api-key': secret }])
      assert.equal(show(await t.call('GET', 'me', { headers })), '401 invalid_token')
    const refreshed = await t.call('POST', 'refresh', { body: { refresh_token: secret } })
    assert.equal(show(refreshed), '401 invalid_token')
  })
})

describe('a request with a cookie', () => {
  test('costs one query to know the caller, and another when a body was waited for', async owner => {
    const counted = await startCountedApp(t.engine)
    owner.after(counted.close)
    const look = (sql: string): boolean => sql.includes('"secret_hash" = ')
    const read = await counted.ask('GET', 'todos', headersOf(t, tab))
    assert.deepEqual([read.status, read.queries.filter(look).length], [200, 1])
    const written = await counted.ask('POST', 'todos', headersOf(t, tab), { title: 'Milk' })
    assert.deepEqual([written.status, written.queries.filter(look).length], [201, 2])
  })

  test('is looked up by an index, whatever the number of sessions', async () => {
    const { engine, queries } = logQueries(t.engine)
    await findCookieSession(engine.db, newSessionSecret(engine.random))
    const second = openSecondConnection(t.engine)
    const plan = second.planOf(queries[0] ?? '', 'hash')
    second.close()
    assert.ok(plan.length > 0)
    for (const step of plan) assert.doesNotMatch(step, /^SCAN|Seq Scan/)
  })

  test('has the permissions that the user has at that moment', async () => {
    const users = () => browse(t, tab, 'GET', 'users')
    assert.equal((await users()).status, 200)
    await changeRoles(t.engine, { userId: ann.id, roles: [], origin })
    assert.equal(show(await users()), '403 insufficient_permission')
    await changeRoles(t.engine, { userId: ann.id, roles: ['admin'], origin })
    assert.ok((await me()).body.permissions.includes('users:write'))
    assert.equal((await users()).status, 200)
  })

  test('follows roles that another process changed behind our back', async () => {
    const second = openSecondConnection(t.engine)
    second.run('delete from user_roles where user_id = ?', ann.id)
    second.close()
    assert.equal(show(await browse(t, tab, 'GET', 'users')), '403 insufficient_permission')
  })

  test('is refused with 503 once the view of revocations is too old, like one with a token', async () => {
    const second = openSecondConnection(t.engine)
    second.run('alter table cut_offs rename to away')
    t.clock.advance(6_000)
    try {
      for (const path of ['me', 'posts'])
        assert.equal(show(await browse(t, tab, 'GET', path)), '503 unavailable')
    } finally {
      second.run('alter table away rename to cut_offs')
      second.close()
    }
    assert.equal((await me()).status, 200)
  })
})

describe('a cookie session ends', () => {
  const isOver = async (browser: Browser, cleared: boolean): Promise<void> => {
    const answer = await me(browser)
    assert.equal(show(answer), '401 session_ended')
    assert.equal(isCleared(answer), cleared)
  }
  /** At once; the browser forgets the cookie where no other one can be on its way to it. */
  const ended = async (browser = tab): Promise<void> => {
    await isOver(browser, false)
    t.clock.advance(window - 1)
    await isOver(browser, false)
    t.clock.advance(1)
    await isOver(browser, true)
    const write = await browse(t, browser, 'POST', 'posts', { body: { title: 'a', content: 'b' } })
    assert.equal(show(write), '401 session_ended')
  }

  test('by logout, which takes the cookie from the browser', async () => {
    const out = await browse(t, tab, 'POST', 'logout')
    assert.equal(out.status, 200)
    assert.ok(isCleared(out))
    await ended()
  })

  test('by a logout of every kind of body', async () => {
    for (const body of [undefined, {}]) {
      const browser = await openBrowser(t, ann.username)
      assert.equal((await browse(t, browser, 'POST', 'logout', { body })).status, 200)
      await ended(browser)
    }
  })

  test('once: a logout of a session already ended is 200, and takes the cookie as well', async () => {
    await browse(t, tab, 'POST', 'logout')
    const again = await browse(t, tab, 'POST', 'logout')
    assert.equal(again.status, 200)
    assert.ok(isCleared(again))
    const rows = await t.engine.db
      .selectFrom('audit_events')
      .select('id')
      .where('user_id', '=', ann.id)
      .where('event', '=', 'session.ended')
      .execute()
    assert.equal(rows.length, 1)
  })

  test('not by a logout that can not be made durable: 503, and the cookie stays for another try', async () => {
    const second = openSecondConnection(t.engine)
    const release = second.holdWrites('sessions')
    const out = await browse(t, tab, 'POST', 'logout')
    release()
    second.close()
    assert.equal(show(out), '503 unavailable')
    assert.equal(out.headers['set-cookie'], undefined)
    assert.equal((await me()).status, 200)
    assert.equal((await browse(t, tab, 'POST', 'logout')).status, 200)
  })

  test('when its owner ends it by its id, which takes the cookie too', async () => {
    const id = await sessionIdOf(t, tab)
    const out = await browse(t, tab, 'DELETE', `sessions/${id}`)
    assert.equal(out.status, 204)
    assert.ok(isCleared(out))
    await ended()
  })

  test('when another session of the owner ends it', async () => {
    const other = await openBrowser(t, ann.username)
    const id = await sessionIdOf(t, tab)
    const out = await browse(t, other, 'DELETE', `sessions/${id}`)
    assert.equal(out.status, 204)
    assert.equal(out.headers['set-cookie'], undefined)
    await ended()
    assert.equal((await me(other)).status, 200)
  })

  test('when another session of the owner ends all others', async () => {
    assert.equal((await t.call('DELETE', 'sessions', { token: ann.access })).status, 204)
    await ended()
  })

  test('when the user is disabled, and stays so when the user is enabled again', async () => {
    await disableUser(t.engine, { userId: ann.id, origin })
    await ended()
    await enableUser(t.engine, { userId: ann.id, origin })
    await isOver(tab, true)
  })

  test('when its user is disabled where no session was ended: the database is asked for both', async () => {
    const second = openSecondConnection(t.engine)
    second.run('update users set disabled_at = 1 where id = ?', ann.id)
    second.close()
    await isOver(tab, true)
  })

  test('when the password is changed elsewhere', async () => {
    const body = { current_password: password, new_password: newPassword }
    assert.equal((await t.call('PUT', 'me/password', { token: ann.access, body })).status, 200)
    await ended()
  })

  test('when a process that it does not know of ended it: nothing but the database is asked', async () => {
    const second = openSecondConnection(t.engine)
    second.run(
      "update sessions set ended_at = 1, end_reason = 'logout' where id = ?",
      await sessionIdOf(t, tab),
    )
    second.close()
    await isOver(tab, true)
  })

  test('in the set of cut-offs alone, where the database still has it: the younger of the two counts', async () => {
    const [subject, now] = [await sessionIdOf(t, tab), t.clock.now()]
    const matters_until = now + minute
    t.engine.revocations.apply([
      { place: 0, kind: 'session', subject, version: null, matters_until, created_at: now },
    ])
    await isOver(tab, false)
  })
})

describe('a cookie session ends by the clock', () => {
  const idle = 14 * day
  const longest = 30 * day

  const traceOf = async (id: string) => {
    const { end_reason } = await rowOf(id)
    const events = await t.engine.db
      .selectFrom('audit_events')
      .select(['reason', 'actor'])
      .where('session_id', '=', id)
      .where('event', '=', 'session.ended')
      .execute()
    return { end_reason, events: events.map(row => ({ ...row })) }
  }

  test('when it was not used for the idle time, and its trace says so, once', async () => {
    const id = await sessionIdOf(t, tab)
    t.clock.advance(idle)
    const answers = await Promise.all([me(), me(), me()])
    for (const answer of answers) assert.equal(show(answer), '401 session_ended')
    assert.deepEqual(await traceOf(id), {
      end_reason: 'idle',
      events: [{ reason: 'idle', actor: ann.id }],
    })
  })

  test('not a moment earlier, and each use begins the idle time anew', async () => {
    for (let n = 0; n < 2; n++) {
      t.clock.advance(idle - 1)
      assert.equal((await me()).status, 200)
    }
  })

  test('at its longest time, however much it was used', async () => {
    const id = await sessionIdOf(t, tab)
    for (let n = 0; n < 5; n++) {
      t.clock.advance(longest / 5 - (n === 4 ? 1 : 0))
      assert.equal((await me()).status, 200)
    }
    t.clock.advance(1)
    assert.equal(show(await me()), '401 session_ended')
    assert.equal((await traceOf(id)).end_reason, 'expired')
  })

  test('and a step-up does not make it longer: the new cookie is kept no longer than the session', async () => {
    t.clock.advance(5 * day)
    const answer = await browse(t, tab, 'POST', 'step-up', { body: { password } })
    assert.match(String(answer.headers['set-cookie']), new RegExp(`Max-Age=${(25 * day) / second};`))
  })

  test('use is written at most once a minute', async () => {
    const id = await sessionIdOf(t, tab)
    const lastUse = async () => (await rowOf(id)).last_used_at
    const begin = await lastUse()
    t.clock.advance(minute - 1)
    await me()
    assert.equal(await lastUse(), begin)
    t.clock.advance(1)
    await Promise.all([me(), me()])
    assert.equal(await lastUse(), begin + minute)
  })

  test('an idle time of seconds is kept as well', async owner => {
    const quick = await startTestApp({ sessionIdleTtl: 10 * second, accessTokenTtl: 10 * second })
    owner.after(() => quick.close())
    const { username } = await signUp(quick, 'ann')
    const there = await openBrowser(quick, username)
    for (let n = 0; n < 5; n++) {
      quick.clock.advance(5 * second)
      assert.equal((await browse(quick, there, 'GET', 'me')).status, 200)
    }
    quick.clock.advance(10 * second)
    assert.equal(show(await browse(quick, there, 'GET', 'me')), '401 session_ended')
  })

  test('use is not written into a session that ended after it was read', async () => {
    const secret = parseSessionSecret(tab.cookie.split('=')[1] ?? '')
    const found = secret && (await findCookieSession(t.engine.db, secret))
    assert.ok(found)
    await browse(t, tab, 'POST', 'logout')
    t.clock.advance(2 * minute)
    await assert.rejects(checkCookieSession(t.engine, found, origin), { code: 'session_ended' })
    assert.equal((await rowOf(found.session.id)).last_used_at, found.session.last_used_at)
  })

  test('a request in flight never brings an ended session back', async () => {
    const id = await sessionIdOf(t, tab)
    t.clock.advance(2 * minute)
    await Promise.all([me(), browse(t, tab, 'POST', 'logout'), me(), me()])
    const { ended_at, end_reason } = await rowOf(id)
    assert.deepEqual([ended_at !== null, end_reason], [true, 'logout'])
    assert.equal(show(await me()), '401 session_ended')
  })
})

const doors = {
  'a step-up': (browser: Browser) => browse(t, browser, 'POST', 'step-up', { body: { password } }),
  'a change of the password': (browser: Browser) =>
    browse(t, browser, 'PUT', 'me/password', {
      body: { current_password: password, new_password: newPassword },
    }),
}

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

describe('after a change of the password with a cookie', () => {
  test('the other sessions have ended, with cookie or tokens, and this one goes on', async () => {
    const other = await openBrowser(t, ann.username)
    const fresh = toBrowser(await doors['a change of the password'](tab))
    assert.equal(show(await me(other)), '401 session_ended')
    assert.equal(show(await t.call('GET', 'me', { token: ann.access })), '401 session_ended')
    assert.equal((await me(fresh)).status, 200)
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
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        round % 2 === 0
          ? [signInAs(ann.username), doors['a step-up'](tab)]
          : [doors['a step-up'](tab), signInAs(ann.username)],
      )
      const live = await liveSessionsOf(ann.id)
      assert.equal(live.length, 1, answers.map(show).join())
      const held = await Promise.all(
        answers.filter(({ status }) => status < 300).map(answer => me(toBrowser(answer))),
      )
      assert.equal(held.filter(({ status }) => status === 200).length, 1)
      tab = await openBrowser(t, ann.username)
      await browse(t, tab, 'DELETE', 'sessions')
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
    second.run("update audit_events set event = 'session.ended' where session_id = ?", id)
    second.run("create unique index ends_once on audit_events (session_id) where event = 'session.ended'")
    const answer = await signInAs(bob.username)
    second.run('drop index ends_once')
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
    second.run('alter table cut_offs rename to away')
    const answer = await signInAs(ann.username)
    second.run('alter table away rename to cut_offs')
    second.close()
    assert.ok(answer.status >= 500, answer.text)
    assert.equal(answer.headers['set-cookie'], undefined)
    assert.equal((await me()).status, 200)
  })
})

describe('bearer callers', () => {
  test('get pairs as before, and never a cookie', async () => {
    const { headers, body } = await t.call('POST', 'step-up', { token: ann.access, body: { password } })
    assert.deepEqual(Object.keys(body), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
    assert.equal(headers['set-cookie'], undefined)
  })

  test('who also have a cookie are bearers: the answer is a pair, and the cookie is untouched', async () => {
    const both = { ...headersOf(t, tab), authorization: `Bearer ${ann.access}` }
    const { headers, body } = await t.call('POST', 'step-up', { headers: both, body: { password } })
    assert.ok(body.access_token)
    assert.equal(headers['set-cookie'], undefined)
    assert.equal((await me()).status, 200)
    const out = await t.call('POST', 'logout', {
      headers: { ...both, authorization: `Bearer ${body.access_token}` },
    })
    assert.equal(out.status, 200)
    assert.equal(cookieOf(out), undefined)
    assert.equal((await me()).status, 200)
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

test('of two processes on one database each refuses at once what the other ended', async owner => {
  const node = await startTestApp({ ...t.engine.settings })
  owner.after(() => node.app.close())
  node.clock.advance(t.clock.now() - node.clock.now())
  assert.equal((await browse(node, tab, 'GET', 'me')).status, 200)
  await browse(t, tab, 'POST', 'logout')
  assert.equal(show(await browse(node, tab, 'GET', 'me')), '401 session_ended')
})
