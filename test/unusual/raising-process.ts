import { once } from 'node:events'
import { compose } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { inTransaction } from 'gatewright/transaction'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { noteFailedSignIn } from '../../packages/gatewright/src/unusual/failed-sign-in.ts'
import { raise } from '../../packages/gatewright/src/unusual/raise.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'

/** What a process that sees patterns is started with. */
export type Life = {
  readonly databaseUrl: string
  readonly secret: string
  /** What it raises, all at once. */
  readonly subjects: readonly string[]
  /** At whom it fails with one password, all at once. */
  readonly names: readonly string[]
}

const { databaseUrl, secret, subjects, names } = JSON.parse(process.argv[2] ?? '') as Life
const engine = await compose({
  settings: defaultSettings({ nodeEnv: 'test', databaseUrl, gatewrightSecret: [secret] }),
  durability: 'off',
})
const pattern = 'many-failures'
const raiseOne = (subject: string) =>
  inTransaction(engine.db, work => raise(engine, work, [{ pattern, subject, origin }]))
const wrong = { password: parsePassword('the one that is tried') }
const failAt = (name: string) =>
  inTransaction(engine.db, work => noteFailedSignIn(engine, work, { name, user: undefined, origin, wrong }))

process.send?.('ready')
await once(process, 'message')
const raised = await Promise.all(subjects.map(raiseOne))
await Promise.all(names.map(failAt))
process.send?.(raised.flat().length)
await engine.close()
process.disconnect?.()
