import { compose } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'

/*
 * A process that does nothing but seal, as fast as it can, until its parent says that it is enough or kills it.
 */
const { databaseUrl, gatewrightSecret } = JSON.parse(process.argv[2] ?? '{}')
const settings = defaultSettings({ nodeEnv: 'test', databaseUrl, gatewrightSecret })
const engine = await compose({ settings, kind: 'command', durability: 'off' })
let isOver = false
process.once('message', () => {
  isOver = true
})
process.send?.('ready')
while (!isOver) {
  await engine.sealer.look().catch(() => {})
  await new Promise(resolve => setTimeout(resolve, 1))
}
await engine.close()
process.disconnect?.()
