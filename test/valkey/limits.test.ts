import { after, before, describe, test } from 'node:test'
import { openValkeyNodes } from '../limits/homes.ts'
import { judgePlayed, playLimits } from '../limits/play.ts'
import { testStorePromises } from '../limits/store-promises.ts'
import { openValkeyHome } from '../limits/stores.ts'
import { findValkey, startValkey, type ValkeyServer } from '../servers/valkey.ts'
import { createSeeded } from '../sessions/seeded.ts'

const found = await findValkey()

describe('with Valkey', { skip: typeof found === 'string' && found }, () => {
  let valkey: ValkeyServer
  before(async () => {
    valkey = await startValkey(typeof found === 'string' ? { path: '', env: {} } : found)
  })
  after(() => valkey.stop())

  testStorePromises('counters in Valkey, from three processes', () => openValkeyHome(valkey.url, 'one', 3))

  test('random traffic on three nodes gets what is promised, while it dies and comes back', async t => {
    const { stores, outage, close } = await openValkeyNodes(valkey, 'model', 3)
    t.after(close)
    const time = { at: Date.UTC(2026, 10, 21) }
    const played = await playLimits(stores, createSeeded(t), { steps: 300, outage, time })
    judgePlayed(t, played, ['allowed', 'refused', 'added up', 'clock ahead', 'away', 'outage'])
  })
})
