import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { findValkey, startValkey } from '../servers/valkey.ts'
import { createSeeded } from '../sessions/seeded.ts'
import { openValkeyNodes } from './homes.ts'
import { type Played, playLimits } from './play.ts'
import { openSqlHome } from './stores.ts'

const start = Date.UTC(2026, 10, 21)

const judge = (t: TestContext, { lost, asked, met }: Played, meets: readonly string[]): void => {
  t.diagnostic(`${asked} requests: ${JSON.stringify(Object.fromEntries([...met].sort()))}`)
  assert.deepEqual(lost, [])
  for (const what of meets) assert.ok(met.has(what), `never: ${what}`)
}

test(`random traffic on three nodes gets what is promised, counted in ${testsDatabase.kind}`, async t => {
  const home = await openSqlHome(3)
  t.after(home.close)
  const played = await playLimits(home.stores, createSeeded(t), { steps: 250, time: { at: start } })
  judge(t, played, ['allowed', 'refused', 'added up'])
})

const found = await findValkey()

test('random traffic on three nodes gets what is promised, counted in Valkey, which dies and comes back', {
  skip: typeof found === 'string' && found,
}, async t => {
  const server = await startValkey(typeof found === 'string' ? { path: '', env: {} } : found)
  t.after(() => server.stop())
  const { stores, outage, close } = await openValkeyNodes(server, 'model', 3)
  t.after(close)
  const played = await playLimits(stores, createSeeded(t), { steps: 400, outage, time: { at: start } })
  judge(t, played, ['allowed', 'refused', 'added up', 'away', 'outage'])
})
