import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import { A, B, first, installations, readInForce, second, startNode } from './secret-nodes.ts'
import { type Server, signUp } from './spawned-server.ts'
import { until } from './until.ts'

const nodes = 3
const clients = 8

/** A client that refreshes again and again, each time at a node of its choice; no answer but 200 will do. */
const startClient = (servers: readonly Server[], seeded: Seeded, refreshToken: string) => {
  let token = refreshToken
  let refreshed = 0
  let isOver = false
  const refresh = async (): Promise<void> => {
    const server = seeded.pick(servers)
    // A node that is being restarted takes no connection; the client goes to the next one.
    const answer = await server
      .call('POST', 'refresh', { body: { refresh_token: token } })
      .catch(() => undefined)
    if (answer === undefined) return
    assert.equal(answer.status, 200, answer.text)
    token = answer.field('refresh_token')
    refreshed++
  }
  const run = async (): Promise<number> => {
    while (!isOver) {
      await refresh()
      await delay(250)
    }
    return refreshed
  }
  const running = run()
  running.catch(() => {})
  return {
    running,
    end: () => {
      isOver = true
      return running
    },
  }
}

const shuffle = (count: number, seeded: Seeded): readonly number[] => {
  const left = Array.from({ length: count }, (_, at) => at)
  return Array.from({ length: count }, () => left.splice(seeded.below(left.length), 1)[0] ?? 0)
}

/** On both databases at once: each waits for its own processes. */
describe('rolling restarts', { concurrency: true }, () => {
  for (const [kind, open] of Object.entries(installations))
    describe(`a change of the secret by rolling restarts, on ${kind}`, () => {
      test('of three nodes in random order under traffic fails no refresh and ends no session', {
        timeout: 240_000,
      }, async t => {
        const seeded = createSeeded(t)
        const installation = await open(t)
        const servers: Server[] = []
        for (let at = 0; at < nodes; at++) servers.push(await startNode(installation, first))
        const callers = await Promise.all(
          Array.from({ length: clients }, (_, at) => signUp(servers[at % nodes] as Server, `client${at}x`)),
        )
        const traffic = callers.map(({ refresh }) => startClient(servers, seeded, refresh))
        const failed = Promise.race(traffic.map(({ running }) => running))
        const rollTo = async (...secrets: readonly string[]): Promise<void> => {
          for (const at of shuffle(nodes, seeded)) {
            await servers[at]?.stop()
            servers[at] = await Promise.race([
              startNode(installation, ...secrets),
              failed.then(() => assert.fail()),
            ])
          }
        }
        const { rows } = installation
        const resting = (id: string) =>
          rows(`select id from sessions where secret_id = '${id}' or former_secret_id = '${id}'`)

        assert.equal(await readInForce(installation), A)
        await rollTo(second, first)
        assert.equal(await readInForce(installation), B)
        const sealed = () => rows(`select kid from signing_keys where private_key not like '${B}.%'`)
        const moved = await until('keys are sealed anew', async () => (await sealed()).length === 0, 20_000)
        const left = await until(
          'no token rests on the former',
          async () => (await resting(A)).length === 0,
          60_000,
        )
        t.diagnostic(
          `moved: sealed values after ${moved.toFixed(0)} ms, all sessions after ${left.toFixed(0)} ms more`,
        )
        await rollTo(second)

        const refreshes = await Promise.all(traffic.map(client => client.end()))
        t.diagnostic(`refreshes: ${refreshes.reduce((sum, count) => sum + count)}`)
        for (const count of refreshes) assert.ok(count > 20, `${count}`)
        assert.deepEqual(await rows('select id from sessions where ended_at is not null'), [])
        assert.deepEqual(await resting(A), [])
        const events = await rows(`select event from audit_events where event = 'secret.put-in-force'`)
        assert.equal(events.length, 1)
        await Promise.all(servers.map(server => server.stop()))
        assert.deepEqual(await rows('select id from processes'), [])
      })

      test('of two that start at once on an empty database, with a secret each, one serves and the other names what it lacks', {
        timeout: 120_000,
      }, async t => {
        const installation = await open(t)
        const both = await Promise.allSettled([first, second].map(secret => startNode(installation, secret)))
        const failures = both.flatMap(result => (result.status === 'rejected' ? String(result.reason) : []))
        assert.equal(failures.length, 1, failures.join())
        const inForce = await readInForce(installation)
        assert.match(failures[0] ?? '', new RegExp(`rests on the secret ${inForce}, which is not here`))
        assert.equal((await installation.rows('select kid from signing_keys')).length, 2)
      })
    })
})
