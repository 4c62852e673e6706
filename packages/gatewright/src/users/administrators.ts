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
 * To be called before a user loses the role or is disabled.
 * @throws Refusal `last_administrator` when no other enabled administrator would be left
 */
export const guardLastAdministrator = async (work: Work, userId: string): Promise<void> => {
  await lockInstallation(work)
  const enabled = await work.db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .select('users.id')
    .where('user_roles.role', '=', administratorRole)
    .where('users.disabled_at', 'is', null)
    // A service can't sign in: it brings nobody back.
    .where('users.kind', '=', 'user')
    .limit(2)
    .execute()
  if (enabled.length === 1 && enabled[0]?.id === userId) throw new Refusal('last_administrator')
}

/** Whether no administrator has existed so far. One may come to exist at any moment: for showing, not for deciding. */
export const awaitsAdministrator = async (db: Database): Promise<boolean> => {
  const row = await db.selectFrom('installation').select('first_administrator_at').executeTakeFirstOrThrow()
  return row.first_administrator_at === null
}

/** Whether an administrator has ever existed; none can come to exist until the transaction has ended. */
export const hasHadAdministrator = async (work: Work): Promise<boolean> =>
  (await lockInstallation(work)).first_administrator_at !== null
