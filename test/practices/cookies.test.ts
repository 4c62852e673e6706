import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

test('no route sets a cookie, and a cookie changes no answer', async () => {
  const { access, refresh } = await signUp(t, 'alice', ['admin'])
  const cookie = ['gw_session', '__Host-gw_session', 'session', 'access_token_cookie']
    .flatMap(name => [`${name}=${access}`, `${name}=${refresh}`])
    .join('; ')
  for (const { method, url } of t.app.routeTable.routes) {
    const path = url.replace(':id', 'A'.repeat(22))
    const plain = await t.call(method, path)
    const withCookie = await t.call(method, path, { headers: { cookie } })
    for (const { headers } of [plain, withCookie]) assert.equal(headers['set-cookie'], undefined, path)
    assert.deepEqual([withCookie.status, withCookie.body?.code], [plain.status, plain.body?.code], path)
  }
})
