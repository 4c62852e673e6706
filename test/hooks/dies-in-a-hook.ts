import { appendFileSync } from 'node:fs'
import { compose } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { inTransaction } from 'gatewright/transaction'
import { emitHook } from '../../packages/gatewright/src/hooks/emit.ts'

/** A server that is killed between the effect of a handler and the word that it is done. */
const [, , databaseUrl = '', effects = '', ...secret] = process.argv
const secrets = secret.length > 0 && { gatewrightSecret: secret }
const engine = await compose({ settings: defaultSettings({ nodeEnv: 'test', databaseUrl, ...secrets }) })
const registered = async ({ id }: { readonly id: string }): Promise<void> => {
  appendFileSync(effects, `${id}\n`)
  process.kill(process.pid, 'SIGKILL')
  // The signal is on its way; nothing may come after it.
  await new Promise(() => setInterval(() => {}, 1_000))
}
await engine.hooks.start({ registered }, console)
await inTransaction(engine.db, work => emitHook(engine, work, 'registered', { userId: 'ann', roles: [] }))
