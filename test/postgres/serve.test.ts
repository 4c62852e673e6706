import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type Caller,
  type Folder,
  newFolder,
  password,
  runToEnd,
  type Server,
  signUp,
  startServer,
} from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import { newName, openServer, query, readdress } from './query.ts'
import { secret } from './real-app.ts'

const count = 8
const otherSecret = Buffer.alloc(32, 8).toString('base64url')
/** mechanisms.md: p99 50 ms between processes. A loaded test machine gets the whole bound, REVOCATION_MAX_AGE. */
const longest = 5_000

describe('eight processes that start at once on an empty PostgreSQL database', () => {
  const ends: (() => Promise<void>)[] = []
  let url: string
  let folder: Folder
  let servers: readonly Server[]
  const envOf = (gatewrightSecret: string) => ({
    DATABASE_URL: url,
    DATABASE_POOL: '4',
    GATEWRIGHT_SECRET: gatewrightSecret,
    PUBLIC_URL: 'http://localhost:3000',
  })

  before(async () => {
    const server = await openServer()
    ends.push(server.stop)
    const database = newName()
    await query(server.url, `create database ${database}`)
    url = readdress(server.url, { database })
    folder = newFolder({ after: end => ends.unshift(end) })
    const env = envOf(secret)
    servers = await Promise.all(Array.from({ length: count }, () => startServer(folder, { env })))
    const says = (server: Server) => /First administrator|a set-up link is open/.test(server.stdout())
    await until('every process speaks of the link', () => servers.every(says))
  })
  after(async () => {
    for (const end of ends) await end()
  })

  const isEndedAt = async (server: Server, { access }: Caller): Promise<boolean> => {
    const { status, text } = await server.call('GET', 'protected', { token: access })
    if (status === 200) return false
    assert.deepEqual([status, JSON.parse(text).code], [401, 'session_ended'])
    return true
  }

  test('all serve, and make one installation, one set-up link and one key with the one after it', async () => {
    const answers = await Promise.all(servers.map(server => server.call('GET', '/readyz')))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    for (const table of ['installation', 'setup_links'])
      assert.deepEqual(await query(url, `select count(*)::int as rows from ${table}`), [{ rows: 1 }], table)
    const keys = 'select state from signing_keys order by state'
    assert.deepEqual(await query(url, keys), [{ state: 'active' }, { state: 'published' }])
    const links = servers.flatMap(server => [...server.stdout().matchAll(/setup_link":"[^#]+#([\w-]+)/g)])
    assert.equal(links.length, 1)
    const setUps = await Promise.all(
      servers.map(({ call }, at) =>
        call('POST', 'setup', { body: { token: links[0]?.[1], username: `admin${at}x`, password } }),
      ),
    )
    assert.deepEqual(setUps.map(({ status }) => status).sort(), [
      201,
      ...Array.from({ length: count - 1 }, () => 400),
    ])
  })

  test('each refuses at once what one of them ended', async t => {
    const [first, ...others] = servers
    assert.ok(first)
    const waits: number[] = []
    for (let round = 0; round < 3; round++) {
      const caller = await signUp(first, `leaver${round}x`)
      for (const server of servers)
        assert.equal((await server.call('GET', 'protected', { token: caller.access })).status, 200)
      assert.equal((await first.call('POST', 'logout', { token: caller.access })).status, 200)
      assert.equal(await isEndedAt(first, caller), true)
      waits.push(
        ...(await Promise.all(
          others.map(server => until('it refuses', () => isEndedAt(server, caller), longest)),
        )),
      )
    }
    waits.sort((a, b) => a - b)
    t.diagnostic(
      `from a logout's answer to the refusal elsewhere: median ${waits[Math.floor(waits.length / 2)]?.toFixed(0)} ms, worst ${waits.at(-1)?.toFixed(0)} ms`,
    )
  })

  test('give a username to one of eight who ask for it at once', async () => {
    const answers = await Promise.all(
      servers.map(({ call }) => call('POST', 'register', { body: { username: 'wanted', password } })),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [
      201,
      ...Array.from({ length: count - 1 }, () => 409),
    ])
  })

  test('a ninth with another secret stops in one line, and changes nothing', async () => {
    const { code, stderr } = await runToEnd(folder, { env: envOf(otherSecret) })
    assert.equal(code, 1)
    assert.match(stderr, /^gatewright: the database rests on the secret [^\n]+ which is not here[^\n]*\n$/)
    assert.deepEqual(await query(url, 'select count(*)::int as rows from signing_keys'), [{ rows: 2 }])
  })

  test('all end well, and leave no connection', async () => {
    await Promise.all(servers.map(server => server.stop()))
    const connected = () =>
      query(
        url,
        `select 1 from pg_stat_activity where datname = current_database() and application_name = 'gatewright'`,
      )
    await until('the server has seen it', async () => (await connected()).length === 0)
  })
})
