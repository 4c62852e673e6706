import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from 'gatewright/clock'
import { until } from '../process/until.ts'
import { startProxy } from './proxy.ts'
import { addDatabase, openServer, query } from './query.ts'
import { startRealApp } from './real-app.ts'

let server: Awaited<ReturnType<typeof openServer>>
before(async () => {
  server = await openServer()
})
after(() => server.stop())

const newDatabase = async (): Promise<string> => {
  const url = await addDatabase(server.url)
  await (await startRealApp(url)).close()
  return url
}

/** Longer than a read of the feed that is followed may take. */
const slow = 1_500

describe('a start has the time of a request', () => {
  test('for the first read of the feed', async () => {
    const url = await newDatabase()
    const locking = query(
      url,
      `begin; lock table cut_offs in access exclusive mode; select pg_sleep(${slow / 1_000}); commit`,
    )
    const held =
      "select from pg_locks where relation = 'cut_offs'::regclass and mode = 'AccessExclusiveLock' and granted"
    await until('the table is locked', async () => (await query(url, held)).length > 0)
    const app = await startRealApp(url)
    // It read what was locked, so that lock is over by now.
    assert.equal((await query(url, held)).length, 0)
    await locking
    assert.equal((await app.call('GET', '/readyz')).status, 200)
    await app.close()
  })

  test('for the first look at the time of the database', async t => {
    const url = new URL(await newDatabase())
    const proxy = await startProxy({ port: Number(url.port) })
    t.after(proxy.close)
    url.port = String(proxy.port)
    proxy.holdAt('clock_timestamp', slow)
    const from = performance.now()
    const app = await startRealApp(url.href)
    assert.ok(performance.now() - from > slow)
    assert.equal((await app.call('GET', '/readyz')).status, 200)
    await app.close()
  })
})

describe('a start that fails', () => {
  /** One that has opened the database and its clock only, and one that had everything. */
  const failures = {
    'at another secret': {
      gatewrightSecret: [Buffer.alloc(32, 8).toString('base64url')],
    },
    'at the last step': { trustedProxies: ['no address'] },
  }
  for (const [name, overrides] of Object.entries(failures))
    test(`${name} leaves nothing that goes on: no clock, no timer, no connection`, async t => {
      const url = await newDatabase()
      const sleeps: (() => void)[] = []
      t.mock.method(systemClock, 'sleep', () => new Promise<void>(end => sleeps.push(end)))
      const started = t.mock.method(globalThis, 'setInterval').mock
      const stopped = t.mock.method(globalThis, 'clearInterval').mock
      await assert.rejects(startRealApp(url, overrides, { durability: 'off' }), /no address|secret/)

      assert.equal(sleeps.length, 1, 'the clock waits for its next look')
      sleeps.forEach(end => void end())
      // Were it to look, it would fail at once, the database being closed, and sleep again.
      await delay(100)
      assert.equal(sleeps.length, 1)
      const running = new Set(started.calls.map(({ result }) => result))
      for (const {
        arguments: [timer],
      } of stopped.calls)
        running.delete(timer as NodeJS.Timeout)
      assert.equal(running.size, 0)
      const others =
        'select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
      await until('no connection is left', async () => (await query(url, others)).length === 0)
    })
})
