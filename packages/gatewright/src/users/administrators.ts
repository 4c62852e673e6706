import { type SqlBool, sql } from 'kysely'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import { administratorRole } from '../permissions/roles.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

/**
 * To be called in every transaction that gives a role: the first administrator ever is noted once, and
 * closes the set-up link for good.
 */
export const noteAdministrator = async (
  { clock }: { readonly clock: Clock },
  { db, beforeLock }: Work,
  roles: readonly string[],
): Promise<void> => {
  if (!roles.includes(administratorRole)) return
  beforeLock('installation')
  await db
    .updateTable('installation')
    .set({ first_administrator_at: clock.now() })
    .where('id', '=', 1)
    .where('first_administrator_at', 'is', null)
    .execute()
  await db.deleteFrom('setup_links').execute()
}

/**
 * Whether a sign-in can begin: by a password, by the choice of one that a mail to the own address leads to, or by a
 * passkey. Who was made without any of these, and has not come yet, brings nobody back.
 */
const hasWayIn = sql<SqlBool>`(users.password_hash is not null or users.email_verified_at is not null
  or exists (select 1 from passkeys where passkeys.user_id = users.id))`

const selectEnabled = ({ db }: Work) =>
  db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .select('users.id')
    .where('user_roles.role', '=', administratorRole)
    .where('users.disabled_at', 'is', null)
    // A service can't sign in: it brings nobody back.
    .where('users.kind', '=', 'user')

/**
 * To be called before a user loses the role or is disabled.
 * @throws Refusal `last_administrator` when no other enabled administrator would be left who can come in
 */
export const guardLastAdministrator = async (work: Work, userId: string): Promise<void> => {
  await lockInstallation(work)
  const enabled = selectEnabled(work)
  const others = enabled.where('users.id', '!=', userId).where(hasWayIn)
  if ((await others.limit(1).executeTakeFirst()) !== undefined) return
  const own = await enabled.where('users.id', '=', userId).executeTakeFirst()
  if (own !== undefined) throw new Refusal('last_administrator')
}

/** Whether no administrator has existed so far. One may come to exist at any moment: for showing, not for deciding. */
export const awaitsAdministrator = async (db: Database): Promise<boolean> => {
  const row = await db.selectFrom('installation').select('first_administrator_at').executeTakeFirstOrThrow()
  return row.first_administrator_at === null
}

/** Whether an administrator has ever existed; none can come to exist until the transaction has ended. */
export const hasHadAdministrator = async (work: Work): Promise<boolean> =>
  (await lockInstallation(work)).first_administrator_at !== null
