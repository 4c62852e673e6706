import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeRoles } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { findCookieSession } from '../../packages/gatewright/src/sessions/find-session.ts'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'
import { newSessionSecret } from '../../packages/gatewright/src/tokens/session-secret.ts'
import { password } from '../harness.ts'
import { browse, cookieOf, headersOf, sessionIdOf, show } from './browser.ts'
import { ann, me, rowOf, t, tab, useCookieScene } from './cookie-scene.ts'
import { startCountedApp } from './counted-app.ts'
import { logQueries } from './query-log.ts'
import { openSecondConnection } from './second-connection.ts'

useCookieScene()

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
    await second.run('delete from user_roles where user_id = ?', ann.id)
    second.close()
    assert.equal(show(await browse(t, tab, 'GET', 'users')), '403 insufficient_permission')
  })

  test('is refused with 503 once the view of revocations is too old, like one with a token', async () => {
    const second = openSecondConnection(t.engine)
    await second.run('alter table cut_offs rename to away')
    t.clock.advance(6_000)
    try {
      for (const path of ['me', 'posts'])
        assert.equal(show(await browse(t, tab, 'GET', path)), '503 unavailable')
    } finally {
      await second.run('alter table away rename to cut_offs')
      second.close()
    }
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
