import { systemClock } from 'gatewright/clock'
import { compose } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { createHousekeeping } from '../../packages/gatewright/src/upkeep/housekeeping.ts'

/** A minute of a lease passes in 3 s. */
const faster = 20

/** A process of its own that keeps house: it says when it has done a batch, and ends when nothing is left. */
const [databaseUrl = '', ...gatewrightSecret] = process.argv.slice(2)
const settings = defaultSettings({
  nodeEnv: 'test',
  databaseUrl,
  ...(gatewrightSecret.length > 0 && { gatewrightSecret }),
})
const engine = await compose({ settings, durability: 'off' })
const clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * faster,
  sleep: async () => {
    process.stdout.write(`${Date.now()}\n`)
    await systemClock.sleep(5)
  },
}
const housekeeping = createHousekeeping({ ...engine, clock })
const hasWork = async (): Promise<boolean> =>
  (await engine.db.selectFrom('reserved_usernames').select('until').limit(1).execute()).length > 0
const keepAlive = setInterval(() => {}, 1_000)
while (await hasWork()) {
  await housekeeping.look()
  await systemClock.sleep(20)
}
clearInterval(keepAlive)
await engine.close()
