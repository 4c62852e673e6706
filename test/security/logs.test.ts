import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp({ accessLog: 'all' })
})
after(() => t.close())

test('format string: what a caller writes stands in the log as it was written', async () => {
  const path = '/%25s%25o%25j%25d'
  await t.call('GET', path)
  const lines = t.logLines.map(line => JSON.parse(line)).filter(line => line.path?.includes('%25'))
  assert.deepEqual(
    lines.map(line => line.path),
    [path],
  )
})

test('forged log line: line ends and control characters of a caller stay inside one JSON text', async () => {
  await t.call('GET', '/x%0a%7b%22level%22:30%7d%1b[2J%e2%80%a8')
  for (const line of t.logLines) assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\u2028]/u)
  assert.equal(t.logLines.filter(line => line.includes('/x%0a')).length, 1)
})

test('a refused request is in the log with who, where, what and why', async () => {
  const { id, access } = await signUp(t, 'alice')
  const body = { username: 'bob', password: 'a long enough password', roles: ['admin'] }
  const { headers } = await t.call('POST', 'users', { token: access, body, address: '192.0.2.9' })
  const line = t.logLines.map(text => JSON.parse(text)).find(l => l.request_id === headers['x-request-id'])
  assert.deepEqual(
    { user: line.user, address: line.address, status: line.status, code: line.code, method: line.method },
    { user: id, address: '192.0.2.9', status: 403, code: 'insufficient_permission', method: 'POST' },
  )
})
