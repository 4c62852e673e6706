import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { password, startTestApp, type TestApp } from './harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('register, sign in, be let in, refresh, sign out, be refused', async () => {
  const registered = await t.call('POST', 'register', { body: { username: 'alice', password } })
  assert.equal(registered.status, 201, registered.text)
  const login = await t.call('POST', 'login', { body: { username: 'Alice', password } })
  assert.equal(login.status, 200, login.text)
  assert.deepEqual(Object.keys(login.body), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
  const me = await t.call('GET', 'protected', { token: login.body.access_token })
  assert.equal(me.status, 200, me.text)
  assert.equal(me.body.user.username, 'alice')
  t.clock.advance(11_000)
  const refreshed = await t.call('POST', 'refresh', { body: { refresh_token: login.body.refresh_token } })
  assert.equal(refreshed.status, 200, refreshed.text)
  assert.notEqual(refreshed.body.refresh_token, login.body.refresh_token)
  const out = await t.call('POST', 'logout', { token: refreshed.body.access_token })
  assert.equal(out.status, 200, out.text)
  const refused = await t.call('GET', 'protected', { token: refreshed.body.access_token })
  assert.equal(refused.status, 401)
  assert.equal(refused.body.code, 'session_ended')
  assert.equal(
    (await t.call('POST', 'refresh', { body: { refresh_token: refreshed.body.refresh_token } })).body.code,
    'session_ended',
  )
})
