import type { Engine } from 'gatewright/compose'
import { inTransaction } from 'gatewright/transaction'
import { queueMail } from '../../packages/gatewright/src/mail/queue.ts'

/** Puts a mail to this address into the queue, as an operation does it. */
export const queueUp = (engine: Engine, to: string): Promise<void> =>
  inTransaction(engine.db, async work => {
    const secretId = await engine.processes.secretInForce(work)
    const content = {
      letter: 'reset-password',
      to,
      locale: 'en',
      values: { username: 'ann' },
      links: { reset: 'x'.repeat(43) },
    } as const
    await queueMail(engine, work, { content, secretId })
  })

export const readMails = (engine: Engine) => engine.db.selectFrom('mails').selectAll().orderBy('id').execute()
