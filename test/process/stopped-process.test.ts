import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { newFolder, signIn, signUp, startServer } from './spawned-server.ts'
import { until } from './until.ts'

/** So that a process need not be stopped for long. `npm run proof -- stopped` stops one for a minute. */
const env = { PUBLIC_URL: 'http://localhost:3000', REVOCATION_MAX_AGE: '500ms' }
const rounds = 4

test('a token that outlives logout: a process that stood still, wherever it was in its work, refuses it with its first answer', async t => {
  const folder = newFolder(t)
  const [first, stopped] = [await startServer(folder, { env }), await startServer(folder, { env })]
  const statuses: number[] = []
  await signUp(first, 'leaver')
  for (let round = 0; round < rounds; round++) {
    const { access: token } = await signIn(first, 'leaver')
    assert.equal((await stopped.call('GET', 'protected', { token })).status, 200)
    // Anywhere between two reads of the feed, or within one: they are 100 ms apart.
    await delay((round * 100) / rounds)
    stopped.kill('SIGSTOP')
    assert.equal((await first.call('POST', 'logout', { token })).status, 200)
    await delay(600)
    // It is there before the process goes on, and read with whatever else has come.
    const answer = stopped.call('GET', 'protected', { token })
    await delay(20)
    stopped.kill('SIGCONT')
    statuses.push((await answer).status)
    await until(
      'it refuses for good',
      async () => (await stopped.call('GET', 'protected', { token })).status === 401,
    )
  }
  assert.deepEqual(
    statuses.filter(status => status !== 401 && status !== 503),
    [],
    `${statuses}`,
  )
  t.diagnostic(`first answers: ${statuses.join(', ')}`)
})
