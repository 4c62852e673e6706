import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Settings } from 'gatewright/settings'
import { type AddressTrouble, addressTroubles } from '../../packages/gatewright/src/ground/address-trouble.ts'
import { checkClientAddress } from '../../packages/gatewright/src/upkeep/address-check.ts'
import { startTestApp, type TestApp } from '../harness.ts'

const proxy = '10.0.0.1'

/** What else can be wrong in the list, besides the one caller below: who asks, and with what. */
const others: readonly (readonly [string, string, Readonly<Record<string, string>>, AddressTrouble])[] = [
  ['a proxy that is not listed', '10.0.0.9', { 'x-forwarded-for': '192.0.2.1' }, 'unlisted-proxy'],
  ['a proxy that names nobody', proxy, {}, 'only-proxies'],
]

describe('a proxy list that can not be right', () => {
  let t: TestApp
  before(async () => {
    t = await startTestApp({ trustedProxies: [proxy], publicUrl: 'https://api.example.org' })
  })
  after(() => t.close())

  const ask = async (path: string, forwardedFor: string): Promise<void> => {
    const headers = { 'x-forwarded-for': forwardedFor }
    await t.call('GET', path, { address: proxy, headers })
  }
  const readiness = async () => (await t.call('GET', '/readyz', { address: proxy })).body
  // Beats of the tests are written by their own clock, also where a server has another.
  const look = () =>
    checkClientAddress({ ...t.engine, settings: { ...t.engine.settings, databaseUrl: 'sqlite:here' } })
  const doctor = async () => {
    await t.engine.processes.beat()
    return look()
  }

  test('is no matter of whoever asks for its health, however often', async () => {
    for (let n = 0; n < 120; n += 1) await ask(n % 2 ? '/healthz' : '/readyz', '192.0.2.1')
    assert.deepEqual((await readiness()).warnings, [])
  })

  test('is said by /readyz, which is ready all the same, and by doctor, for another process', async () => {
    for (let n = 0; n < 100; n += 1) await ask('/api/v1/protected', '192.0.2.1')
    const { status, reasons, warnings } = await readiness()
    assert.deepEqual([status, reasons, warnings.length], ['ready', [], 1])
    assert.match(warnings[0], /^every request of the last five minutes came from one address, although /)
    const { level, found } = await doctor()
    assert.equal(level, 'warning')
    assert.match(found, /^a server on \S+ says: every request of the last five minutes came from one address/)
  })

  test('tells nobody an address', async () => {
    const shown = JSON.stringify([
      await readiness(),
      await doctor(),
      await t.engine.db.selectFrom('processes').selectAll().execute(),
    ])
    assert.doesNotMatch(shown, /192\.0\.2\.1|10\.0\.0\.1/)
  })

  test('is no longer said once others have come', async () => {
    await ask('/api/v1/protected', '192.0.2.2')
    assert.deepEqual((await readiness()).warnings, [])
    assert.equal((await doctor()).level, 'ok')
  })

  test('is said by no doctor for a server that has gone', async () => {
    t.clock.advance(10 * minute)
    for (let n = 0; n < 100; n += 1) await ask('/api/v1/protected', '192.0.2.1')
    assert.equal((await doctor()).level, 'warning')
    t.clock.advance(minute)
    assert.equal((await look()).level, 'ok')
  })

  for (const [what, address, headers, name] of others)
    test(`is said by doctor and /readyz alike: ${what}`, async () => {
      t.clock.advance(10 * minute)
      assert.equal((await doctor()).level, 'ok')
      for (let n = 0; n < 100; n += 1) await t.call('GET', '/api/v1/protected', { address, headers })
      const { found: said, ...more } = await doctor()
      const { found, ...advice } = addressTroubles[name]
      assert.match(said, /^a server on \S+ says: /)
      assert.deepEqual([said.replace(/^.* says: /, ''), more], [found, { level: 'warning', ...advice }])
      assert.deepEqual((await readiness()).warnings, [`${found}. ${advice.do}`])
    })

  test('of a newer version, in words that this one does not know, is left to that one', async () => {
    await t.engine.processes.beat()
    await t.engine.db.updateTable('processes').set({ address_trouble: 'toString' }).execute()
    assert.equal((await look()).level, 'ok')
  })
})

const setups: readonly (readonly [string, Partial<Settings>, number])[] = [
  ['on this machine alone and without proxies nothing is wrong with one caller behind one', {}, 0],
  [
    'what others can reach says so of a proxy that is not listed',
    { publicUrl: 'https://api.example.org' },
    1,
  ],
]

for (const [title, settings, warnings] of setups)
  test(title, async () => {
    const t = await startTestApp(settings)
    const headers = { 'x-forwarded-for': '192.0.2.1' }
    for (let n = 0; n < 100; n += 1) await t.call('GET', 'protected', { headers })
    assert.equal((await t.call('GET', '/readyz')).body.warnings.length, warnings)
    await t.close()
  })
