import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { B, first, installations, readInForce, second, startNode } from './secret-nodes.ts'
import { type Server, signUp } from './spawned-server.ts'
import { until } from './until.ts'

/** Both at once: most of the time they wait until a process that says nothing counts as ended. */
describe('a change of the secret', { concurrency: true }, () => {
  for (const [kind, open] of Object.entries(installations))
    test(`a process that was stopped (SIGSTOP) while the others changed it answers 503 and signs nobody out, on ${kind}`, {
      timeout: 180_000,
    }, async t => {
      const installation = await open(t)
      const stopped = await startNode(installation, first)
      const other = await startNode(installation, second, first)
      const old = await signUp(stopped, 'oldtimer')
      stopped.kill('SIGSTOP')
      const { rows } = installation
      await until('the others go on without it', async () => (await readInForce(installation)) === B, 90_000)
      const noted = () => rows('select makes_with from processes')
      await until('it makes values with it', async () => (await noted())[0]?.makes_with === B, 30_000)
      const newcomer = await signUp(other, 'newcomer')
      stopped.kill('SIGCONT')
      const refreshAt = (server: Server, refresh: string) =>
        server.call('POST', 'refresh', { body: { refresh_token: refresh } })
      for (const { refresh } of [newcomer, old]) {
        const answer = await refreshAt(stopped, refresh)
        assert.deepEqual([answer.status, answer.field('code')], [503, 'unavailable'], answer.text)
        assert.ok(Number(answer.headers['retry-after']) > 0)
      }
      const login = await stopped.call('POST', 'login', {
        body: { username: 'oldtimer', password: 'correct horse battery staple' },
      })
      assert.equal(login.status, 503, login.text)
      await until('it says that it is not ready', async () => {
        const { status, text } = await stopped.call('GET', '/readyz')
        return status === 503 && text.includes('not in the register') && text.includes(B)
      })
      for (const { refresh } of [newcomer, old]) assert.equal((await refreshAt(other, refresh)).status, 200)
    })
})
