import { type Clock, day } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { type DeviceSecret, hashDeviceSecret, newDeviceSecret } from '../tokens/device-secret.ts'

/** A browser that this user has signed in with: strangers' failures do not delay it. It signs nobody in. */
export type KnownDevice = { readonly id: string; readonly userId: string }

/** How long a browser is known after its last use. */
export const deviceLifetime = 365 * day

/** A user has at most this many; the longest unused one makes room, one that never came back before others. */
export const mostDevices = 20

/** The user's own browser of this secret: what another user's cookie holds is none. */
export const findKnownDevice = async (
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  secret: DeviceSecret,
  userId: string,
): Promise<(KnownDevice & { readonly lastUsedAt: number }) | undefined> => {
  const row = await db
    .selectFrom('known_devices')
    .select(['id', 'last_used_at'])
    .where('secret_hash', '=', hashDeviceSecret(secret))
    .where('user_id', '=', userId)
    .where('last_used_at', '>', clock.now() - deviceLifetime)
    .executeTakeFirst()
  return row && { id: row.id, userId, lastUsedAt: row.last_used_at }
}

/** What a browser has shown, and where it is to be known from now on. */
export type Browser = {
  readonly shown: DeviceSecret | undefined
  readonly known: KnownDevice | undefined
}

type Dependencies = { readonly clock: Clock; readonly random: Random }

const noteUse = async ({ clock }: Dependencies, { db }: Work, id: string): Promise<boolean> => {
  const result = await db
    .updateTable('known_devices')
    .set({ last_used_at: clock.now() })
    .where('id', '=', id)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

const isOurs = async ({ db }: Work, secret: DeviceSecret): Promise<boolean> => {
  const hash = hashDeviceSecret(secret)
  const row = await db
    .selectFrom('known_devices')
    .select('id')
    .where('secret_hash', '=', hash)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

const insertDevice = async (
  { clock }: Dependencies,
  { db }: Work,
  { id, userId }: KnownDevice,
  secret: DeviceSecret,
): Promise<boolean> => {
  const now = clock.now()
  const row = { id, user_id: userId, secret_hash: hashDeviceSecret(secret), created_at: now }
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('known_devices')
    .values({ ...row, last_used_at: now })
    .onConflict(conflict => conflict.columns(['secret_hash', 'user_id']).doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

/** Whoever keeps no cookies leaves such a one with each sign-in: these must not push out a browser in use. */
const hasComeBack = (device: { readonly created_at: number; readonly last_used_at: number }): boolean =>
  device.last_used_at > device.created_at

const makeRoom = async ({ db }: Work, { id, userId }: KnownDevice): Promise<void> => {
  const others = await db
    .selectFrom('known_devices')
    .select(['id', 'created_at', 'last_used_at'])
    .where('user_id', '=', userId)
    .where('id', '!=', id)
    .orderBy('last_used_at', 'desc')
    .execute()
  const surplus = others
    .toSorted((a, b) => Number(hasComeBack(b)) - Number(hasComeBack(a)))
    .slice(mostDevices - 1)
    .map(row => row.id)
  if (surplus.length > 0) await db.deleteFrom('known_devices').where('id', 'in', surplus).execute()
}

/**
 * Makes the browser a known one of the user, in the transaction of a sign-in that holds the user's row. A
 * secret that nobody was given is never adopted, and one that was forgotten meanwhile neither: then the
 * browser gets a new one, so that nobody else who holds the old one is known with it.
 * @param device its id, which the new session remembers
 * @returns what its cookie holds from now on
 */
export const rememberDevice = async (
  dependencies: Dependencies,
  work: Work,
  device: KnownDevice,
  { shown, known }: Browser,
): Promise<DeviceSecret> => {
  if (shown !== undefined && known?.id === device.id && (await noteUse(dependencies, work, device.id)))
    return shown
  const shared = shown !== undefined && (await isOurs(work, shown)) ? shown : undefined
  const isShared = shared !== undefined && (await insertDevice(dependencies, work, device, shared))
  const secret = isShared ? shared : newDeviceSecret(dependencies.random)
  if (!isShared) await insertDevice(dependencies, work, device, secret)
  await makeRoom(work, device)
  return secret
}

/**
 * Makes a device known again as it was. In a transaction that holds the user's row.
 * @param device what was kept of it
 * @returns its id
 */
export const restoreDevice = async (
  work: Work,
  userId: string,
  device: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const id = String(device.id)
  const times = { created_at: Number(device.created_at), last_used_at: Number(device.last_used_at) }
  await work.db
    .insertInto('known_devices')
    .values({ id, user_id: userId, secret_hash: String(device.secret_hash), ...times })
    .onConflict(conflict => conflict.columns(['secret_hash', 'user_id']).doNothing())
    .execute()
  await makeRoom(work, { id, userId })
  return id
}

/** No browser of the user is known any more. In a transaction that holds the user's row. */
export const forgetDevices = async ({ db }: Work, userId: string): Promise<void> => {
  await db.deleteFrom('known_devices').where('user_id', '=', userId).execute()
}

/** Nor is the one that this session was begun with. */
export const forgetDeviceOf = async ({ db }: Work, sessionId: string): Promise<void> => {
  await db
    .deleteFrom('known_devices')
    .where('id', 'in', eb =>
      eb
        .selectFrom('sessions')
        .select('known_device_id')
        .where('sessions.id', '=', sessionId)
        .where('known_device_id', 'is not', null)
        .$castTo<{ known_device_id: string }>(),
    )
    .execute()
}
