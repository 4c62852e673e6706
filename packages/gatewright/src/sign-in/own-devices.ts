import { sql } from 'kysely'
import { recordEvent } from '../audit/record.ts'
import { type CodeDependencies, consumeCode, findCode, type MadeCode, makeCode } from '../codes/codes.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { deviceLifetime, restoreDevice } from '../sessions/known-devices.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { getUser } from '../users/users.ts'
import { holdProvenSession, type Owner } from './own-factors.ts'

type Dependencies = CodeDependencies & { readonly db: Database }

/** A browser that the user has signed in with, as its newest sign-in names it. */
export type OwnDevice = {
  readonly id: string
  /** What the browser said that it is; null where no sign-in of it is known any more. */
  readonly device: string | null
  readonly address: string | null
  readonly created_at: number
  readonly last_used_at: number
}

/** Of each known device the sign-in that was begun last. */
const newestSignIns = (db: Database, userId: string) =>
  db
    .selectFrom('sessions')
    .select([
      'known_device_id',
      'device',
      'address',
      sql<number>`row_number() over (partition by known_device_id order by created_at desc, id)`.as('place'),
    ])
    .where('user_id', '=', userId)
    .where('known_device_id', 'is not', null)
    .as('newest')

/** The user's known devices, the last used first. */
export const listOwnDevices = (
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  userId: string,
): Promise<readonly OwnDevice[]> =>
  db
    .selectFrom('known_devices')
    .leftJoin(newestSignIns(db, userId), join =>
      join.onRef('newest.known_device_id', '=', 'known_devices.id').on('newest.place', '=', sql<number>`1`),
    )
    .select([
      'known_devices.id',
      'newest.device',
      'newest.address',
      'known_devices.created_at',
      'known_devices.last_used_at',
    ])
    .where('known_devices.user_id', '=', userId)
    .where('known_devices.last_used_at', '>', clock.now() - deviceLifetime)
    .orderBy('known_devices.last_used_at', 'desc')
    .orderBy('known_devices.id')
    .execute()

const purpose = 'forgotten-device'

/**
 * Forgets one known device of the user: strangers' failures delay it like any other from then on. Sessions stay.
 * @returns what brings it back, for a while
 * @throws Refusal `not_found`, and as `changeFactors` (own-factors.ts)
 */
export const forgetOwnDevice = (dependencies: Dependencies, owner: Owner, id: string): Promise<MadeCode> =>
  inTransaction(dependencies.db, async work => {
    await holdProvenSession(work, owner)
    const { userId, sessionId, origin } = owner
    const forgotten = await work.db
      .deleteFrom('known_devices')
      .where('id', '=', id)
      .where('user_id', '=', userId)
      .returningAll()
      .executeTakeFirst()
    if (forgotten === undefined) throw new Refusal('not_found')
    const { version } = await getUser(work.db, userId)
    const { user_id: _, ...data } = forgotten
    const made = await makeCode(dependencies, work, { purpose, user: { id: userId, version }, data })
    if (made === undefined) throw new Refusal('session_ended')
    const details = { device: id }
    await recordEvent(dependencies, work, 'device.forgotten', { origin, userId, sessionId, details })
    return made
  })

const refuseUndo = (): Refusal => new Refusal('invalid_link', { reason: `link_${purpose}` })

/**
 * Brings a device back that its owner forgot a moment ago, unless something has ended the owner's codes since.
 * @throws Refusal `invalid_link`, and as {@link forgetOwnDevice}
 */
export const bringBackDevice = async (
  dependencies: Dependencies,
  owner: Owner,
  secret: string,
): Promise<void> => {
  const { userId, sessionId, origin } = owner
  const shown = { purpose, secret } as const
  const found = await findCode(dependencies, shown)
  if (found?.user_id !== userId) throw refuseUndo()
  await inTransaction(dependencies.db, async work => {
    await holdProvenSession(work, owner)
    const taken = await consumeCode(dependencies, work, shown)
    if (taken === undefined) throw refuseUndo()
    const device = await restoreDevice(work, userId, taken.data)
    const details = { device }
    await recordEvent(dependencies, work, 'device.brought-back', { origin, userId, sessionId, details })
  })
}
