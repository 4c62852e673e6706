import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { newName, openServer, query, readdress } from '../postgres/query.ts'
import { createSeeded, type Seeded } from '../sessions/seeded.ts'
import { query as queryFile } from './database-file.ts'
import { type Folder, newFolder, type Server, signUp, startServer } from './spawned-server.ts'
import { until } from './until.ts'

const text = (number: number): string => Buffer.alloc(32, number).toString('base64url')
const idOf = (secret: string): string => createSecrets([secret], systemRandom).newestId
const [first, second] = [text(1), text(2)]
const [A, B] = [idOf(first), idOf(second)]

const nodes = 4
const clients = 8
/** Short, so that tokens rotate often; long enough for a retry at another node. */
const window = 3_000

type Row = Readonly<Record<string, unknown>>
type Installation = {
  readonly folder: Folder
  readonly env: Readonly<Record<string, string>>
  readonly rows: (sql: string) => Promise<readonly Row[]>
}

const ends: (() => Promise<void>)[] = []
after(async () => {
  for (const end of ends) await end()
})

const common = { PUBLIC_URL: 'http://localhost:3000', REFRESH_RETRY_WINDOW: `${window / 1_000}s` }

const installations: Record<string, () => Promise<Installation>> = {
  SQLite: async () => {
    const folder = newFolder({ after: end => ends.unshift(end) })
    return { folder, env: common, rows: async sql => queryFile(folder, sql) }
  },
  PostgreSQL: async () => {
    const server = await openServer()
    ends.push(server.stop)
    const database = newName()
    await query(server.url, `create database ${database}`)
    const url = readdress(server.url, { database })
    const folder = newFolder({ after: end => ends.unshift(end) })
    return { folder, env: { ...common, DATABASE_URL: url, DATABASE_POOL: '4' }, rows: sql => query(url, sql) }
  },
}

const startNode = ({ folder, env }: Installation, ...secrets: readonly string[]): Promise<Server> =>
  startServer(folder, { env: { ...env, GATEWRIGHT_SECRET: secrets.join(',') } })

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
      await delay(50)
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

for (const [kind, open] of Object.entries(installations))
  describe(`a change of the secret by rolling restarts, on ${kind}`, () => {
    test('of four nodes in random order under traffic fails no refresh and ends no session', {
      timeout: 240_000,
    }, async t => {
      const seeded = createSeeded(t)
      const installation = await open()
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
      const inForce = async () => (await rows('select secret_id from installation'))[0]?.secret_id
      const resting = (id: string) =>
        rows(`select id from sessions where secret_id = '${id}' or former_secret_id = '${id}'`)

      assert.equal(await inForce(), A)
      await rollTo(second, first)
      assert.equal(await inForce(), B)
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
    }, async () => {
      const installation = await open()
      const both = await Promise.allSettled([first, second].map(secret => startNode(installation, secret)))
      const failures = both.flatMap(result => (result.status === 'rejected' ? String(result.reason) : []))
      assert.equal(failures.length, 1, failures.join())
      const inForce = (await installation.rows('select secret_id from installation'))[0]?.secret_id
      assert.match(failures[0] ?? '', new RegExp(`rests on the secret ${inForce}, which is not here`))
      assert.equal((await installation.rows('select kid from signing_keys')).length, 2)
    })

    test('a process that was stopped (SIGSTOP) while the others changed it answers 503 and signs nobody out', {
      timeout: 180_000,
    }, async () => {
      const installation = await open()
      const stopped = await startNode(installation, first)
      const other = await startNode(installation, second, first)
      const old = await signUp(stopped, 'oldtimer')
      stopped.kill('SIGSTOP')
      const { rows } = installation
      const inForce = async () => (await rows('select secret_id from installation'))[0]?.secret_id
      await until('the others go on without it', async () => (await inForce()) === B, 90_000)
      const noted = () => rows('select makes_with from processes')
      await until(
        'it says that it makes values with it',
        async () => (await noted())[0]?.makes_with === B,
        30_000,
      )
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
