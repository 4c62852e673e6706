import { recordEvent, systemOrigin } from '../audit/record.ts'
import type { Engine } from '../compose.ts'
import { renewRecoveryCodes } from '../factors/recovery-codes.ts'
import { codeOf, newTotpSecret, stepAt } from '../factors/totp.ts'
import { findTotp, insertTotp } from '../factors/totp-factors.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import { inTransaction } from '../storage/transaction.ts'
import { lockUser } from '../users/users.ts'

/** An authenticator app in memory. */
export type TestTotp = {
  /**
   * What it shows at the time of the test's clock; where that was taken already, what it shows next.
   * Right for one sign-in or step-up.
   */
  readonly code: () => Promise<string>
  /** The ten recovery codes that came with it, each good once. */
  readonly recoveryCodes: readonly string[]
}

/** Gives a user an authenticator app; sessions that are there have shown it. */
export const addTestTotp = async (engine: Engine, userId: string): Promise<TestTotp> => {
  const secret = newTotpSecret(engine.random)
  const recoveryCodes = await inTransaction(engine.db, async work => {
    const secretId = await engine.processes.secretInForce(work)
    await lockUser(work, userId)
    const step = stepAt(engine.clock.now()) - 1
    await insertTotp(engine, work, { userId, secret, step, secretId })
    const origin = { ...systemOrigin, actor: userId }
    const details = { method: 'totp' }
    await recordEvent(engine, work, 'second-factor.added', { origin, userId, details })
    await work.db
      .updateTable('sessions')
      .set({ amr: `pwd otp ${multiFactor}` })
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .execute()
    return renewRecoveryCodes(engine, work, userId)
  })
  const code = async (): Promise<string> => {
    const row = await findTotp(engine.db, userId)
    return codeOf(secret, Math.max((row?.last_step ?? 0) + 1, stepAt(engine.clock.now())))
  }
  return { code, recoveryCodes }
}
