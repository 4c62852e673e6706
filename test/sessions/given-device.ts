import type { Engine } from 'gatewright/compose'
import { newId } from 'gatewright/random'
import { inTransaction } from 'gatewright/transaction'
import { makeCode } from '../../packages/gatewright/src/codes/codes.ts'

/** A known device of the user, planted: nothing holds its secret. @returns its id */
export const plantDevice = async (
  { db, clock, random }: Pick<Engine, 'db' | 'clock' | 'random'>,
  userId: string,
): Promise<string> => {
  const now = clock.now()
  const row = { id: newId(random), user_id: userId, created_at: now, last_used_at: now }
  await db
    .insertInto('known_devices')
    .values({ ...row, secret_hash: newId(random) })
    .execute()
  return row.id
}

/** What brings a device back that this user forgot. */
export const giveUndo = async (
  engine: Pick<Engine, 'db' | 'clock' | 'random'>,
  userId: string,
): Promise<string> => {
  const { version } = await engine.db
    .selectFrom('users')
    .select('version')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  const made = await inTransaction(engine.db, work =>
    makeCode(engine, work, {
      purpose: 'forgotten-device',
      user: { id: userId, version },
      data: { id: newId(engine.random), secret_hash: newId(engine.random), created_at: 1, last_used_at: 1 },
    }),
  )
  return made?.secret ?? 'none: a service has no devices'
}
