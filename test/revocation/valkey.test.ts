import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createClient } from '@redis/client'
import { generate } from 'selfsigned'
import { openWakeLines } from '../../packages/gatewright/src/revocation/wake-lines.ts'
import { checkValkey } from '../../packages/gatewright/src/upkeep/wake-checks.ts'
import { newTestDatabase } from '../database.ts'
import { signUp, startTestApp, type TestApp } from '../harness.ts'
import { startProxy } from '../postgres/proxy.ts'
import { newName } from '../postgres/query.ts'
import { until } from '../process/until.ts'
import { findValkey, startValkey, type ValkeyServer } from '../servers/valkey.ts'
import { type Listening, listen } from './lines.ts'

const found = await findValkey()
const program = typeof found === 'string' ? { path: '', env: {} } : found
const password = 'hush-of-valkey'

type Owner = { readonly after: (end: () => Promise<void>) => void }
const byLine = 0

describe('with Valkey', { skip: typeof found === 'string' && found }, () => {
  let valkey: ValkeyServer
  let databaseUrl: string
  let drop: () => Promise<void>
  before(async () => {
    valkey = await startValkey(program, { password })
    ;({ url: databaseUrl, drop } = await newTestDatabase())
  })
  after(async () => {
    await valkey.stop()
    await drop()
  })

  const open = (t: Owner, more: { valkeyUrl?: string; epoch?: string } = {}): Listening =>
    listen(t, { databaseUrl, valkeyUrl: valkey.url, ...more })
  const openWorking = async (t: Owner, more: Parameters<typeof open>[1] = {}): Promise<Listening> => {
    const listening = open(t, more)
    await until('it hears', listening.works)
    return listening
  }

  /** Another server, for a test that stops it. */
  const startAnother = async (t: Owner): Promise<ValkeyServer> => {
    const another = await startValkey(program)
    t.after(() => another.stop())
    return another
  }

  describe('a process', { concurrency: true }, () => {
    test('wakes others of its installation, and no other installation on the same server', async t => {
      const [here, elsewhere] = [await openWorking(t, { epoch: 'a' }), await openWorking(t, { epoch: 'a' })]
      const foreign = await openWorking(t, { epoch: 'b' })
      const [before = 0, untouched] = [elsewhere.wakes[byLine], foreign.wakes[byLine]]
      here.lines.wakeOthers()
      await until('it is woken', () => (elsewhere.wakes[byLine] ?? 0) > before)
      await delay(50)
      assert.equal(foreign.wakes[byLine], untouched)
    })

    test('publishes nothing but that there is something', async t => {
      const client = createClient({ url: valkey.url })
      await client.connect()
      t.after(() => client.close())
      const heard: string[] = []
      await client.subscribe('gatewright:plain:cut-offs', message => heard.push(message))
      const here = await openWorking(t, { epoch: 'plain' })
      here.lines.wakeOthers()
      await until('it is published', () => heard.length > 0)
      assert.deepEqual(heard, [''])
    })

    test('that takes back much at once publishes little', async t => {
      const client = createClient({ url: valkey.url })
      await client.connect()
      t.after(() => client.close())
      let heard = 0
      await client.subscribe('gatewright:much:cut-offs', () => heard++)
      const here = await openWorking(t, { epoch: 'much' })
      for (let count = 0; count < 1_000; count++) here.lines.wakeOthers()
      await until('it is published', () => heard > 0)
      await delay(100)
      assert.ok(heard <= 2, `${heard} times`)
    })

    test('that has only just begun and ends at once, as a command does, has still told', async t => {
      const elsewhere = await openWorking(t, { epoch: 'command' })
      const before = elsewhere.wakes[byLine] ?? 0
      const command = listen({ after: () => {} }, { databaseUrl, valkeyUrl: valkey.url, epoch: 'command' })
      command.lines.wakeOthers()
      await command.lines.close()
      await until('it is woken', () => (elsewhere.wakes[byLine] ?? 0) > before)
    })

    test('on a server that is stopped and started notices both, tells once each, and is woken when it is back', async t => {
      const another = await startAnother(t)
      const here = await openWorking(t, { valkeyUrl: another.url })
      await another.stop()
      await until('it is noticed', () => !here.works())
      const began = performance.now()
      for (let count = 0; count < 100; count++) here.lines.wakeOthers()
      // 10 ms for each would be waiting.
      assert.ok(performance.now() - began < 1_000, 'it waits for nothing')
      await delay(1_000)
      const before = here.wakes[byLine] ?? 0
      await another.restart()
      await until('it hears again', here.works, 15_000)
      assert.ok((here.wakes[byLine] ?? 0) > before)
      assert.deepEqual(
        here.log.map(line => line.split(':')[0]?.split(' {')[0]),
        ['Valkey is away', 'Valkey tells at once of what other processes have taken back'],
      )
    })

    test('starts without its server, tells it once, and hears when it comes', async t => {
      const another = await startAnother(t)
      await another.stop()
      const here = open(t, { valkeyUrl: another.url })
      await until('it is told', () => here.log.length > 0)
      assert.match(here.log[0] ?? '', /Valkey is away: .*by the database alone.*ECONNREFUSED/)
      await delay(1_000)
      assert.equal(here.log.length, 1)
      await another.restart()
      await until('it hears', here.works, 15_000)
    })

    for (const { name, milliseconds } of [
      { name: 'half-open', milliseconds: 1e8 },
      { name: 'a minute late', milliseconds: 60_000 },
    ])
      test(`on a connection that is ${name} notices it and makes another`, async t => {
        const proxy = await startProxy(valkey)
        t.after(proxy.close)
        const through = new URL(valkey.url)
        through.port = String(proxy.port)
        const here = await openWorking(t, { valkeyUrl: through.href })
        proxy.delayAnswers('subscribe', milliseconds)
        await until('it is noticed', () => !here.works(), 15_000)
        await until('it hears again', here.works, 15_000)
        const before = here.wakes[byLine] ?? 0
        here.lines.wakeOthers()
        await until('it is woken', () => (here.wakes[byLine] ?? 0) > before)
      })

    test('with a wrong password goes on without, and the log has no password, right or wrong', async t => {
      const here = open(t, { valkeyUrl: valkey.url.replace(password, 'wrong-hush') })
      await until('it is told', () => here.log.length > 0)
      assert.match(here.log[0] ?? '', /redis:\/\/localhost:\d+ can't be used: WRONGPASS/)
      assert.doesNotMatch(here.log.join(), /hush/)
    })
  })

  describe('an application', () => {
    let t: TestApp
    let proxy: Awaited<ReturnType<typeof startProxy>>
    let another: ValkeyServer
    before(async () => {
      another = await startValkey(program)
      proxy = await startProxy(another)
      t = await startTestApp({ valkeyUrl: `redis://localhost:${proxy.port}` })
    })
    after(async () => {
      await t.close()
      await proxy.close()
      await another.stop()
    })

    const breakages: Readonly<Record<string, () => unknown>> = {
      'is there': () => {},
      'says nothing any more': () => proxy.silence(),
      'is stopped': () => another.stop(),
    }
    for (const [name, breakIt] of Object.entries(breakages))
      test(`signs out as ever while its Valkey ${name}`, async () => {
        const { access } = await signUp(t, `user-${newName()}`.slice(0, 20))
        await breakIt()
        const began = performance.now()
        assert.equal((await t.call('POST', 'logout', { token: access })).status, 200)
        assert.equal((await t.call('GET', 'me', { token: access })).status, 401)
        assert.ok(performance.now() - began < 1_500, `${performance.now() - began} ms`)
      })

    test('says in /metrics whether what is said on a line arrives', async () => {
      await until('it is noticed', () => t.engine.lines.states().every(({ works }) => !works), 15_000)
      const { access } = await signUp(t, 'watcher', ['admin'])
      const metrics = await t.call('GET', '/metrics', { token: access })
      assert.match(metrics.text, /^gatewright_wake_line_works\{line="valkey"\} 0$/m)
    })

    const find = (valkeyUrl?: string) =>
      checkValkey({ ...t.engine, settings: { ...t.engine.settings, valkeyUrl } })

    test('warns of a server on another machine without TLS, and shows no password', () => {
      const warningsOf = (valkeyUrl: string): readonly string[] =>
        openWakeLines({ ...t.engine, settings: { ...t.engine.settings, valkeyUrl }, epoch: 'one' }).warnings
      assert.match(warningsOf('redis://:hush@valkey.example.org').join(), /^VALKEY_URL asks for no TLS/)
      assert.doesNotMatch(warningsOf('redis://:hush@valkey.example.org').join(), /hush/)
      for (const url of ['rediss://:hush@valkey.example.org', 'redis://:hush@127.0.0.1', 'redis://localhost'])
        assert.deepEqual(warningsOf(url), [])
    })

    test('has doctor say that it answers, that it is away, or that there is none', async () => {
      assert.match((await find()).found, /VALKEY_URL is not set/)
      assert.deepEqual(await find(valkey.url), {
        level: 'ok',
        found: 'answers, and what is published arrives',
      })
      const gone = await find(`redis://:${password}@localhost:${another.port}`)
      assert.equal(gone.level, 'warning')
      assert.match(gone.found, /^redis:\/\/localhost:\d+ can't be used: .*ECONNREFUSED/)
      assert.doesNotMatch(JSON.stringify(gone), /hush/)
    })

    test('takes over rediss:// a server whose certificate is good, and no other', async t => {
      const folder = mkdtempSync(join(tmpdir(), 'gatewright-valkey-'))
      t.after(() => rmSync(folder, { recursive: true, force: true }))
      const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
      })
      const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
      writeFileSync(files.cert, cert)
      writeFileSync(files.key, key)
      for (const path of [folder, files.cert, files.key]) chmodSync(path, 0o755)
      const encrypted = await startValkey(program, { password, tls: files })
      t.after(encrypted.stop)
      assert.match((await find(encrypted.url)).found, /^rediss:.* can't be used: self-signed certificate/)
      setDefaultCACertificates([cert])
      t.after(() => setDefaultCACertificates(getCACertificates('bundled')))
      assert.equal((await find(encrypted.url)).level, 'ok')
      assert.equal((await find(encrypted.url.replace('localhost', '127.0.0.1'))).level, 'warning')
      assert.equal((await find(encrypted.url.replace('rediss:', 'redis:'))).level, 'warning')
    })
  })
})
