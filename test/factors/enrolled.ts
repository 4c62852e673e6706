import assert from 'node:assert/strict'
import { minute } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { inTransaction } from 'gatewright/transaction'
import { systemOrigin } from '../../packages/gatewright/src/audit/record.ts'
import { makeCode } from '../../packages/gatewright/src/codes/codes.ts'
import { renewRecoveryCodes } from '../../packages/gatewright/src/factors/recovery-codes.ts'
import { codeOf, newTotpSecret, stepAt } from '../../packages/gatewright/src/factors/totp.ts'
import { findTotp, insertTotp, openTotp } from '../../packages/gatewright/src/factors/totp-factors.ts'
import type { LiveSession } from '../../packages/gatewright/src/sessions/sessions.ts'
import { beginTotp, confirmTotp } from '../../packages/gatewright/src/sign-in/own-totp.ts'
import { getUser } from '../../packages/gatewright/src/users/users.ts'
import { parseBase32 } from './base32.ts'

export type Enrolled = {
  /** The session in which it was done, under its new id. */
  readonly session: LiveSession
  readonly recoveryCodes: readonly string[]
}

/** As an authenticator app does: the code of a moment, of the text that people type. */
export const codeAt = (secret: string, now: number): string => codeOf(parseBase32(secret), stepAt(now))

/** Adds an authenticator app to the user, in this session. */
export const enrol = async (engine: Engine, userId: string, sessionId: string): Promise<Enrolled> => {
  const owner = { userId, sessionId, origin: { ...systemOrigin, actor: userId } }
  const { secret } = await beginTotp(engine, owner)
  const code = codeAt(secret, engine.clock.now())
  const { renewed, recoveryCodes = [] } = await confirmTotp(engine, { ...owner, code })
  return { session: renewed, recoveryCodes }
}

/** The first code of the user's app that can be taken now, or one of so many steps on. */
export const nextCode = async (engine: Engine, userId: string, steps = 1): Promise<string> => {
  const row = await findTotp(engine.db, userId)
  assert.ok(row, 'the user has an authenticator app')
  const last = Math.max(row.last_step, stepAt(engine.clock.now()) - 1)
  return codeOf(openTotp(engine, row), last + steps)
}

/**
 * The user has an authenticator app, and every live session has shown a code of it: as after a sign-in with both,
 * without one. No code has been taken of the present step.
 */
export const plantTotp = async (engine: Engine, userId: string): Promise<void> => {
  const { clock, random, secrets, db } = engine
  await inTransaction(db, async work => {
    const secretId = await engine.processes.secretInForce(work)
    const proof = { secret: newTotpSecret(random), step: stepAt(clock.now()) - 1 }
    await insertTotp({ clock, random, secrets }, work, { userId, ...proof, secretId })
    await work.db
      .updateTable('sessions')
      .set({ amr: 'pwd otp mfa' })
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .execute()
  })
}

/** The same, with a set of recovery codes. */
export const enrolWithCodes = async (engine: Engine, userId: string): Promise<readonly string[]> => {
  await plantTotp(engine, userId)
  return inTransaction(engine.db, work => renewRecoveryCodes(engine, work, userId))
}

/** As if the user had never had a second factor. */
export const forgetFactors = async ({ db }: Engine, userId: string): Promise<void> => {
  for (const table of ['totp_factors', 'totp_enrolments', 'recovery_codes', 'passkeys'] as const)
    await db.deleteFrom(table).where('user_id', '=', userId).execute()
}

/** Every live session of the user is shown the secret of one authenticator app. Gives its code of now. */
export const beginEverywhere = async (engine: Engine, userId: string): Promise<string> => {
  const { db, clock, secrets, random } = engine
  const secret = newTotpSecret(random)
  const sessions = await db
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .execute()
  for (const { id: session_id } of sessions) {
    const sealed = secrets.seal('totp', session_id, secret, secrets.newestId)
    const row = { session_id, user_id: userId, secret: sealed, expires_at: clock.now() + minute }
    await db.insertInto('totp_enrolments').values(row).execute()
  }
  return codeOf(secret, stepAt(clock.now()))
}

/** The password of the user was right: what the second half of the sign-in is asked with. */
export const halfIn = async (
  engine: Engine,
  userId: string,
  holding: 'tokens' | 'cookie' = 'tokens',
): Promise<string> => {
  const { version } = await getUser(engine.db, userId)
  const data = { amr: ['pwd'], holding }
  const half = { purpose: 'second-factor', user: { id: userId, version }, data } as const
  const made = await inTransaction(engine.db, work => makeCode(engine, work, half))
  assert.ok(made)
  return made.secret
}
