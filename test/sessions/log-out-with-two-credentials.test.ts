import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { minute, second } from 'gatewright/clock'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('a token that outlives logout: beside an old refresh token the access token shown is ended too', async () => {
  const old = await signUp(t, 'dora')
  const { body: renewed } = await t.call('POST', 'step-up', { token: old.access, body: { password } })
  t.clock.advance(11 * second)
  const out = await t.call('POST', 'logout', {
    token: renewed.access_token,
    body: { refresh_token: old.refresh },
  })
  assert.equal(out.status, 200)
  assert.equal((await t.call('GET', 'me', { token: renewed.access_token })).status, 401)
  assert.equal(
    (await t.call('POST', 'refresh', { body: { refresh_token: renewed.refresh_token } })).status,
    401,
  )
})

test('two sessions shown are two sessions ended', async () => {
  const one = await signUp(t, 'emil')
  const { body: two } = await t.call('POST', 'login', { body: { username: 'emil', password } })
  await t.call('POST', 'logout', { token: one.access, body: { refresh_token: two.refresh_token } })
  assert.equal((await t.call('GET', 'me', { token: one.access })).status, 401)
  assert.equal((await t.call('GET', 'me', { token: two.access_token })).status, 401)
})

test('an access token that has expired does not keep a refresh token from signing out', async () => {
  const { access, refresh } = await signUp(t, 'finn')
  t.clock.advance(11 * minute)
  assert.equal(
    (await t.call('POST', 'logout', { token: access, body: { refresh_token: refresh } })).status,
    200,
  )
  assert.equal((await t.call('POST', 'refresh', { body: { refresh_token: refresh } })).status, 401)
})

test('an access token that is none is refused alone', async () => {
  assert.equal((await t.call('POST', 'logout', { token: 'nonsense' })).status, 401)
  assert.equal((await t.call('POST', 'logout')).status, 401)
})

test('ending the own session asks for no recent sign-in, ending another does', async () => {
  const { access, refresh } = await signUp(t, 'gina')
  await t.call('POST', 'login', { body: { username: 'gina', password } })
  t.clock.advance(11 * minute)
  const { body: pair } = await t.call('POST', 'refresh', { body: { refresh_token: refresh } })
  const { body: list } = await t.call('GET', 'sessions', { token: pair.access_token })
  const idOf = (current: boolean): string =>
    list.sessions.find((session: { current: boolean }) => session.current === current).id
  const other = await t.call('DELETE', `sessions/${idOf(false)}`, { token: pair.access_token })
  assert.equal(other.body.code, 'insufficient_user_authentication')
  assert.equal((await t.call('DELETE', `sessions/${idOf(true)}`, { token: pair.access_token })).status, 204)
  assert.equal((await t.call('GET', 'me', { token: pair.access_token })).status, 401)
  assert.equal((await t.call('GET', 'me', { token: access })).status, 401)
})

test('an administrator whose sign-in is old confirms the password before creating a user, with roles or without', async () => {
  const admin = await signUp(t, 'root-of-all', ['admin'])
  t.clock.advance(11 * minute)
  const { body: pair } = await t.call('POST', 'refresh', { body: { refresh_token: admin.refresh } })
  for (const roles of [{}, { roles: ['moderator'] }]) {
    const body = { username: 'support', password, ...roles }
    const refused = await t.call('POST', 'users', { token: pair.access_token, body })
    assert.equal(refused.body.code, 'insufficient_user_authentication')
  }
})

test('both tokens of one session are one session, ended once', async () => {
  const { id, access, refresh } = await signUp(t, 'hugo')
  await t.call('POST', 'logout', { token: access, body: { refresh_token: refresh } })
  const rows = await t.engine.db
    .selectFrom('audit_events')
    .select('id')
    .where('user_id', '=', id)
    .where('event', '=', 'session.ended')
    .execute()
  assert.equal(rows.length, 1)
})
