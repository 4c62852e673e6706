import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { password, startTestApp } from '../harness.ts'

test('workers hash no more passwords at once, all together, than one server would', async t => {
  const app = await startTestApp({ workers: 64 })
  t.after(() => app.close())
  const { hasher } = app.engine
  const hashes = [1, 2, 3].map(() => hasher.hash(parsePassword(password)))
  assert.equal(hasher.waiting(), 1, 'one is computed, and one lies ready')
  await Promise.all(hashes)
})
