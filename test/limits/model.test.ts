import { test } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { createSeeded } from '../sessions/seeded.ts'
import { judgePlayed, playLimits } from './play.ts'
import { openSqlHome } from './stores.ts'

test(`random traffic on three nodes gets what is promised, counted in ${testsDatabase.kind}`, async t => {
  const home = await openSqlHome(3)
  t.after(home.close)
  const time = { at: Date.UTC(2026, 10, 21) }
  const played = await playLimits(home.stores, createSeeded(t), { steps: 200, time })
  judgePlayed(t, played, ['allowed', 'refused', 'added up', 'clock ahead'])
})
