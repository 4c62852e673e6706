import type { Checkpoint } from '../../packages/gatewright/src/audit/checkpoint.ts'
import { recordEvent } from '../../packages/gatewright/src/audit/record.ts'
import { inTransaction } from '../../packages/gatewright/src/storage/transaction.ts'
import type { TestApp } from '../harness.ts'

/** Failed sign-ins from an address each: what is personal lies beside them. */
export const recordMany = ({ engine }: Pick<TestApp, 'engine'>, count: number): Promise<void> =>
  inTransaction(engine.db, async work => {
    for (let n = 0; n < count; n++) {
      const origin = { actor: null, address: `203.0.113.${n % 250}`, requestId: `request${n}` }
      await recordEvent(engine, work, 'sign-in.failed', { origin, reason: 'wrong_password' })
    }
  })

/** Records, seals and signs; gives the checkpoint. */
export const sealMany = async (t: Pick<TestApp, 'engine'>, count: number): Promise<Checkpoint> => {
  await recordMany(t, count)
  await t.engine.sealer.look()
  const checkpoint = await t.engine.sealer.sign()
  if (checkpoint === undefined) throw new Error('nothing was signed')
  return checkpoint
}
