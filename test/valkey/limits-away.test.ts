import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createClient } from '@redis/client'
import { systemRandom } from 'gatewright/random'
import { type KeptStore, keepStore } from '../../packages/gatewright/src/limits/kept-store.ts'
import { createValkeyCounters, limitScripts } from '../../packages/gatewright/src/limits/valkey-counters.ts'
import { openValkey, openValkeyScripts } from '../../packages/gatewright/src/storage/valkey.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { startProxy } from '../postgres/proxy.ts'
import { until } from '../process/until.ts'
import { findValkey, startValkey, type ValkeyServer } from '../servers/valkey.ts'

const found = await findValkey()
const program = typeof found === 'string' ? { path: '', env: {} } : found
const charge = { key: 'k', step: 1_000, capacity: 10_000_000 }

describe('while Valkey is away', { skip: typeof found === 'string' && found }, () => {
  let valkey: ValkeyServer
  before(async () => {
    valkey = await startValkey(program)
  })
  after(() => valkey.stop())

  describe('a server', () => {
    let t: TestApp
    before(async () => {
      t = await startTestApp({ limitsScale: 1, valkeyUrl: valkey.url })
    })
    after(() => t.close())
    const guess = (username: string) =>
      t.call('POST', 'login', { body: { username, password: 'not the password of anybody' } })
    const untilIs = (is: string) => until(`it ${is}`, () => t.engine.counters.state().is === is)

    test('counts in it, not in the database, and under a hash', async () => {
      for (let n = 0; n < 5; n += 1) assert.equal((await guess('ann')).status, 401)
      const { status, headers } = await guess('ann')
      assert.equal(status, 429)
      assert.equal(headers['retry-after'], '12')
      assert.deepEqual(await t.engine.db.selectFrom('limit_counters').selectAll().execute(), [])
    })

    test('lets the stated number through, answers the rest with 503, and finds back by itself', async () => {
      await valkey.stop()
      await untilIs('away')
      for (let n = 0; n < 2; n += 1) assert.equal((await guess('bob')).status, 401)
      const { status, body, headers } = await guess('bob')
      assert.deepEqual([status, body.code, headers['retry-after']], [503, 'unavailable', '5'])
      assert.equal((await t.call('GET', '/api/v1/posts')).status, 200)
      await valkey.restart()
      await untilIs('works')
      assert.equal((await guess('bob')).status, 401)
      const told = t.logLines.map(line => JSON.parse(line)).filter(({ msg }) => /^limits /.test(msg))
      assert.deepEqual(
        told.map(({ level }) => level),
        [40, 30],
      )
      assert.doesNotMatch(JSON.stringify(told), /bob|127\.0\.0\.1"/)
    })
  })

  const keep = (url: string): KeptStore & { opened: () => number } => {
    let opened = 0
    const open = async () => {
      opened += 1
      const scripts = await openValkeyScripts(url, limitScripts)
      return { ...createValkeyCounters(scripts, 'kept'), ended: scripts.ended, close: scripts.close }
    }
    return { ...keepStore({ open, random: systemRandom }), opened: () => opened }
  }

  test('a thousand who ask are told at once, and one attempt at a time is made to have it back', async t => {
    const store = keep('redis://127.0.0.1:1')
    t.after(store.close)
    await store.tried
    const nextTurn = new Promise(resolve => setImmediate(resolve, 'waits'))
    const asked = Array.from({ length: 1_000 }, (_, n) => store.take([charge], n).catch(String))
    const told = await Promise.race([Promise.all(asked), nextTurn])
    assert.ok(Array.isArray(told), 'they wait')
    for (const why of told) assert.match(String(why), /away/)
    assert.ok(store.opened() <= 3, `${store.opened()} attempts`)
    const state = store.state()
    assert.match(state.is === 'away' ? state.why : '', /redis:\/\/127\.0\.0\.1:1 can't be used/)
  })

  test('hanging server: who waits already waits a second, all others not at all', async t => {
    const proxy = await startProxy(valkey)
    t.after(proxy.close)
    const store = keep(`redis://127.0.0.1:${proxy.port}`)
    t.after(store.close)
    await until('it works', () => store.state().is === 'works')
    assert.equal((await store.take([charge], 1)).allowed, true)
    proxy.silence()
    const started = performance.now()
    const asked = await Promise.allSettled(Array.from({ length: 100 }, () => store.take([charge], 1)))
    const waited = performance.now() - started
    assert.ok(asked.every(({ status }) => status === 'rejected'))
    assert.ok(waited > 800 && waited < 2_000, `${waited}`)
    const refused = store.take([charge], 1).catch(String)
    // Whoever waits for anything, however short, comes after the next turn of the event loop.
    const nextTurn = new Promise(resolve => setImmediate(resolve, 'waits'))
    assert.match(String(await Promise.race([refused, nextTurn])), /away/)
  })

  test('hanging server: one that takes a connection and says nothing on it is given up', async t => {
    const silent = createServer(client => void client.on('error', () => {}).resume()).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    t.after(() => void silent.close())
    const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const started = performance.now()
    await Promise.all([
      assert.rejects(openValkeyScripts(url, limitScripts), /it does not answer/),
      assert.rejects(
        openValkey(url, ['a'], () => {}),
        /it does not answer/,
      ),
    ])
    assert.ok(performance.now() - started < 4_000)
  })

  test('a process that stood still for longer than a server may be silent has heard it all the same', async t => {
    const store = keep(valkey.url)
    t.after(store.close)
    await until('it works', () => store.state().is === 'works')
    const asked = store.take([charge], 1)
    setImmediate(() => {
      const end = performance.now() + 1_200
      while (performance.now() < end);
    })
    assert.equal((await asked).allowed, true)
    assert.equal(store.state().is, 'works')
  })

  test('a server that has forgotten its scripts is told them again', async t => {
    const scripts = await openValkeyScripts(valkey.url, limitScripts)
    t.after(scripts.close)
    const admin = await createClient({ url: valkey.url }).connect()
    await admin.scriptFlush()
    admin.destroy()
    const { take } = createValkeyCounters(scripts, 'forgetful')
    assert.equal((await take([charge], 1)).allowed, true)
  })

  test('a counter goes by itself, a minute after its time', async t => {
    const scripts = await openValkeyScripts(valkey.url, limitScripts)
    t.after(scripts.close)
    await createValkeyCounters(scripts, 'gone').take([{ ...charge, step: 5_000_000 }], 1)
    const left = await scripts.run(`return redis.call('PTTL', KEYS[1])`, ['gatewright:{gone}:limit:k'], [])
    assert.ok(Number(left) > 64_000 && Number(left) <= 65_000, String(left))
  })
})
