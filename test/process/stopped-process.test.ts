import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newFolder } from './spawned-server.ts'
import { standStillInRounds } from './stand-still.ts'

/** So that a process need not be stopped for long. `npm run proof -- stopped` stops one for a minute. */
const env = { PUBLIC_URL: 'http://localhost:3000', REVOCATION_MAX_AGE: '500ms' }

test('a token that outlives logout: a process that stood still, wherever it was in its work, refuses it with its first answer', async t => {
  const statuses = await standStillInRounds(newFolder(t), { env, rounds: 4, stillFor: 600 })
  assert.deepEqual(
    statuses.filter(status => status !== 401 && status !== 503),
    [],
  )
  t.diagnostic(`first answers: ${statuses.join(', ')}`)
})
