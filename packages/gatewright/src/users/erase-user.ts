import { type Clock, day } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import { Refusal } from '../ground/refusal.ts'
import type { UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { lockAndGetUser } from './users.ts'

/** How long nobody else gets the name of a deleted user, and could pass for that person. */
const nameReserved = 365 * day

/**
 * Locks the row of a user who is there, without changing it: whatever else happens to the user waits.
 * @throws Refusal `not_found`, also for a service
 */
export const holdUserToErase = async (work: Work, userId: string): Promise<UserRow> => {
  const row = await lockAndGetUser(work, userId)
  if (row === undefined || row.deleted_at !== null || row.kind !== 'user') throw new Refusal('not_found')
  return row
}

/**
 * Erases what is personal in the user's row and in those that hang on it. The row itself stays: it keeps
 * the id from being given again, and whatever an application's tables hang on it whole. Its key holds an
 * `@`, so no name that anybody submits means it.
 */
export const eraseUser = async (
  { clock }: { readonly clock: Clock },
  { db, beforeLock }: Work,
  { id, username_key: key }: Pick<UserRow, 'id' | 'username_key'>,
): Promise<void> => {
  beforeLock('user')
  const now = clock.now()
  const until = now + nameReserved
  await db
    .insertInto('reserved_usernames')
    .values({ username_hash: sha256(key), until })
    .onConflict(conflict => conflict.column('username_hash').doUpdateSet({ until }))
    .execute()
  await db
    .updateTable('users')
    .set({
      username: '',
      username_key: `@${id}`,
      email: null,
      email_key: null,
      email_verified_at: null,
      password_hash: null,
      former_password_hash: null,
      fields: '{}',
      description: null,
      disabled_at: now,
      deleted_at: now,
    })
    .where('id', '=', id)
    .execute()
  await db.deleteFrom('user_roles').where('user_id', '=', id).execute()
  for (const table of [
    'codes',
    'mails',
    'passkeys',
    'totp_factors',
    'totp_enrolments',
    'recovery_codes',
    'identities',
  ] as const)
    await db.deleteFrom(table).where('user_id', '=', id).execute()
  for (const table of ['sign_in_marks', 'unusual'] as const)
    await db.deleteFrom(table).where('subject', '=', id).execute()
  // The stored answers hold what the user wrote.
  await db
    .deleteFrom('idempotency_keys')
    .where(({ eb, selectFrom }) =>
      eb.or([
        eb('principal_kind', 'in', ['user', 'client']).and('principal_id', '=', id),
        eb('principal_kind', '=', 'api-key').and(
          'principal_id',
          'in',
          selectFrom('api_keys').select('api_keys.id').where('api_keys.user_id', '=', id),
        ),
      ]),
    )
    .execute()
  await db
    .deleteFrom('permission_uses')
    .where(({ eb, selectFrom }) =>
      eb.or([
        eb('holder_kind', '=', 'user').and('holder_id', '=', id),
        eb('holder_kind', '=', 'api-key').and(
          'holder_id',
          'in',
          selectFrom('api_keys').select('api_keys.id').where('api_keys.user_id', '=', id),
        ),
      ]),
    )
    .execute()
  await db
    .updateTable('sessions')
    .set({ device: '', address: '' })
    .where('user_id', '=', id)
    .where('ended_at', 'is not', null)
    .execute()
  await db.updateTable('api_keys').set({ name: '', address: '' }).where('user_id', '=', id).execute()
}
