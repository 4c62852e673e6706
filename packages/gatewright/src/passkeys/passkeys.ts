import type { Clock } from '../ground/clock.ts'
import { toBase64url } from '../ground/encoding.ts'
import { newId, type Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database, PasskeyRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import type { NewCredential, Use } from './verify-response.ts'

/** A user has at most this many. */
export const mostPasskeys = 20

type Dependencies = { readonly clock: Clock; readonly random: Random }

/** In the order in which they were added. */
export const listPasskeys = (db: Database, userId: string): Promise<readonly PasskeyRow[]> =>
  db
    .selectFrom('passkeys')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()

/** Those that prove anything: of one that was cloned nobody knows which is the owner's. */
export const listGoodPasskeys = async (db: Database, userId: string): Promise<readonly PasskeyRow[]> =>
  (await listPasskeys(db, userId)).filter(({ cloned_at: cloned }) => cloned === null)

/** A passkey with the version that its user had then: what is started with it later must find the same one. */
export type FoundPasskey = PasskeyRow & { readonly user_version: number }

export const findPasskey = (db: Database, credentialId: string): Promise<FoundPasskey | undefined> =>
  db
    .selectFrom('passkeys')
    .innerJoin('users', 'users.id', 'passkeys.user_id')
    .selectAll('passkeys')
    .select('users.version as user_version')
    .where('credential_id', '=', credentialId)
    .where('users.kind', '=', 'user')
    .executeTakeFirst()

/**
 * What authenticators keep in place of the user's id: 64 random bytes, the same for all passkeys of one
 * user, so that an authenticator keeps one of them and no more.
 */
export const userHandleOf = (
  { random }: Pick<Dependencies, 'random'>,
  known: readonly PasskeyRow[],
): string => known[0]?.user_handle ?? toBase64url(random.bytes(64))

const refuseMoreThanMost = async ({ db }: Work, userId: string): Promise<void> => {
  const { count } = await db
    .selectFrom('passkeys')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  if (Number(count) >= mostPasskeys)
    throw new Refusal('conflict', {
      reason: 'too_many_passkeys',
      detail: `You have ${mostPasskeys} passkeys, which is the most. Remove one first.`,
    })
}

export type NewPasskey = {
  readonly userId: string
  readonly userHandle: string
  readonly name: string
  readonly credential: NewCredential
}

/**
 * Adds a passkey, in a transaction that holds the user's row: passkeys are counted under it. The unique
 * credential id decides between two who add one at once.
 * @returns undefined where somebody has it already, be it the same user
 * @throws Refusal `conflict` where the user has the most already
 */
export const addPasskey = async (
  { clock, random }: Dependencies,
  work: Work,
  { userId, userHandle, name, credential }: NewPasskey,
): Promise<PasskeyRow | undefined> => {
  await refuseMoreThanMost(work, userId)
  const row: PasskeyRow = {
    ...credential,
    id: newId(random),
    user_id: userId,
    user_handle: userHandle,
    name,
    created_at: clock.now(),
    last_used_at: null,
    cloned_at: null,
  }
  const { numInsertedOrUpdatedRows } = await work.db
    .insertInto('passkeys')
    .values(row)
    .onConflict(conflict => conflict.column('credential_id').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n ? row : undefined
}

type Own = { readonly id: string; readonly userId: string }

/** @throws Refusal `not_found`, also for another user's */
export const renamePasskey = async (
  { db }: { readonly db: Database },
  { id, userId }: Own,
  name: string,
): Promise<PasskeyRow> => {
  const row = await db
    .updateTable('passkeys')
    .set({ name })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return row
}

/** @throws Refusal `not_found`, also for another user's */
export const removePasskey = async ({ db }: Work, { id, userId }: Own): Promise<PasskeyRow> => {
  const row = await db
    .deleteFrom('passkeys')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  return row
}

/** All of the user's, in a transaction that holds the user's row. */
export const dropPasskeys = async ({ db }: Work, userId: string): Promise<void> => {
  await db.deleteFrom('passkeys').where('user_id', '=', userId).execute()
}

type Shown = Pick<PasskeyRow, 'id' | 'public_key'>

const selectGood = ({ db }: Work, { id, public_key: publicKey }: Shown) =>
  db
    .updateTable('passkeys')
    .where('id', '=', id)
    .where('public_key', '=', publicKey)
    .where('cloned_at', 'is', null)

/**
 * Notes the use of a passkey whose signature was found right, if its counter has gone on: a compare-and-set.
 * One that is always 0 counts nothing, and tells of no clone. One that did not go on exists twice: it is
 * marked, and proves nothing from then on.
 * @returns `gone` where it was removed or marked since it was read
 */
export const noteUse = async (
  { clock }: Pick<Dependencies, 'clock'>,
  work: Work,
  passkey: Shown,
  { counter, backed_up }: Use,
): Promise<'used' | 'cloned' | 'gone'> => {
  const now = clock.now()
  const used = await selectGood(work, passkey)
    .where(eb => (counter === 0 ? eb('counter', '=', 0) : eb('counter', '<', counter)))
    .set({ counter, backed_up, last_used_at: now })
    .executeTakeFirst()
  if (used.numUpdatedRows === 1n) return 'used'
  const marked = await selectGood(work, passkey).set({ cloned_at: now }).executeTakeFirst()
  return marked.numUpdatedRows === 1n ? 'cloned' : 'gone'
}
