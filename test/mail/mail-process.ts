import { systemClock } from 'gatewright/clock'
import { compose } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { mailbox } from '../../packages/gatewright/src/ground/mail-address.ts'
import { queueUp } from './queue-up.ts'

/** What a process that sends mail is started with. */
export type Life = {
  readonly databaseUrl: string
  readonly smtpUrl: string
  readonly secret: string
  /** How much later than this machine's clock it lives, in milliseconds. */
  readonly later: number
  /** To whom it queues mail before it sends. */
  readonly recipients: readonly string[]
}

const { databaseUrl, smtpUrl, secret, later, recipients } = JSON.parse(process.argv[2] ?? '') as Life
const engine = await compose({
  settings: defaultSettings({
    nodeEnv: 'test',
    databaseUrl,
    smtpUrl,
    gatewrightSecret: [secret],
    publicUrl: 'https://api.example.org',
    mailFrom: mailbox.parse('no-reply@example.org'),
  }),
  clock: { ...systemClock, now: () => systemClock.now() + later },
  durability: 'off',
})
for (const to of recipients) await queueUp(engine, to)
process.send?.('queued')
process.once('message', () => {
  engine.mail.start({ warn: () => {}, error: () => {} })
})
