import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signUp, startTestApp, type TestApp } from '../harness.ts'
import { browse, isCleared, openBrowser, show } from '../sessions/browser.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('a browser signs in with a cookie, and what it changes needs the CSRF token of its session', async () => {
  const { username } = await signUp(t, 'alice')
  const tab = await openBrowser(t, username)
  const { body } = await browse(t, tab, 'GET', 'sessions/current')
  assert.deepEqual([body.user.username, body.csrf_token], [username, tab.csrf])

  const write = (headers = {}) => browse(t, tab, 'POST', 'todos', { headers, body: { title: 'Milk' } })
  assert.equal((await write()).status, 201)
  assert.equal(show(await write({ 'x-csrf-token': '' })), '403 csrf_failed')
  assert.equal(show(await write({ origin: 'https://evil.test' })), '403 csrf_failed')

  const out = await browse(t, tab, 'POST', 'logout')
  assert.ok(out.status === 200 && isCleared(out))
  assert.equal(show(await write()), '401 session_ended')
})
