import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { endOverlong } from '../consequences/overtime.ts'
import { Refusal } from '../ground/refusal.ts'
import { emitHook } from '../hooks/emit.ts'
import type { Granting } from '../permissions/granted.ts'
import { holdRoles, readRolesNow } from '../permissions/made-roles.ts'
import { neededToGive } from '../permissions/needed-to-give.ts'
import { administratorRole, isAdministrative, type RoleTable } from '../permissions/roles.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { addUser, prepareUser, type RegisterDependencies, type Registration } from '../sign-in/register.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { guardLastAdministrator, noteAdministrator } from '../users/administrators.ts'
import { getPerson, lockUser, replaceRoles, type User } from '../users/users.ts'
import { holdAdministrator, holdUsers } from './hold-administrator.ts'

type Roles = { readonly roleTable: RoleTable }
type Dependencies = SessionDependencies & Granting & { readonly db: Database }
type Target = { readonly userId: string; readonly origin: Origin }
/** Why, in words, for the audit log. */
type WithReason = { readonly reason?: string | undefined }

/** @throws Refusal `validation_failed` naming the roles that exist */
export const checkRoles = ({ roleTable }: Roles, roles: readonly string[], path = '/roles'): void => {
  const unknown = roles.find(role => !roleTable.roles.has(role))
  if (unknown === undefined) return
  const message = `there is no such role: write one of ${[...roleTable.roles.keys()].join(', ')}`
  throw new Refusal('validation_failed', { errors: [{ path, message }] })
}

/**
 * The same in the transaction that gives these roles, to a user who is new or to another, and as they are there: one
 * that was made at run time may have been deleted, or allow more by now.
 * @returns the role table as the transaction finds it
 */
export const holdGiver = async (
  granting: Granting,
  work: Work,
  caller: Caller | undefined,
  { roles, over }: { readonly roles: readonly string[]; readonly over?: string },
): Promise<RoleTable> => {
  await holdUsers(work, caller, over)
  const roleTable = await holdRoles(granting.roleTable, work, roles)
  checkRoles({ roleTable }, roles)
  const needed = neededToGive({ roleTable }, roles)
  await holdAdministrator(granting, work, caller, { needed, ...(over !== undefined && { over }) })
  return roleTable
}

/**
 * Creates a user with the roles named. Reserved names are allowed here.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `insufficient_permission` where a role allows what the caller may not do
 */
export const createUser = async (
  dependencies: RegisterDependencies & Granting,
  { roles, ...registration }: Registration & { readonly roles: readonly string[] },
  origin: Origin,
  caller?: Caller,
): Promise<User> => {
  // Before anything is hashed.
  checkRoles({ roleTable: await readRolesNow(dependencies.roleTable, dependencies.db, roles) }, roles)
  const prepared = await prepareUser(dependencies, registration, 'allow')
  return inTransaction(dependencies.db, async work => {
    if (roles.includes(administratorRole)) await lockInstallation(work)
    const secretId = await dependencies.processes.secretInForce(work)
    await holdGiver(dependencies, work, caller, { roles })
    return addUser(dependencies, work, prepared, {
      roles: [...new Set(roles)],
      origin,
      secretId,
      event: 'user.created',
    })
  })
}

const setDisabled = async ({ db, beforeLock }: Work, userId: string, at: number | null): Promise<boolean> => {
  beforeLock('user')
  const { numUpdatedRows } = await db
    .updateTable('users')
    .set({ disabled_at: at })
    .where('id', '=', userId)
    .where('deleted_at', 'is', null)
    .where('kind', '=', 'user')
    .where('disabled_at', at === null ? 'is not' : 'is', null)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/**
 * Disables a user; everything of the user ends. No effect on one who is disabled.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `last_administrator`; `insufficient_permission` for a user who may do what the caller may not
 */
export const disableUser = (
  dependencies: Dependencies,
  { userId, reason, origin }: Target & WithReason,
  caller?: Caller,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await lockInstallation(work)
    await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
    await guardLastAdministrator(work, userId)
    if (!(await setDisabled(work, userId, dependencies.clock.now()))) return
    await recordEvent(dependencies, work, 'user.disabled', {
      origin,
      userId,
      ...(reason && { details: { said: reason } }),
    })
    await applyConsequences(dependencies, work, 'user disabled', { userId, origin })
  })

/**
 * Enables a user again. What was ended stays ended.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `insufficient_permission` for a user who may do what the caller may not
 */
export const enableUser = (
  dependencies: Dependencies,
  { userId, origin }: Target,
  caller?: Caller,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
    if (!(await setDisabled(work, userId, null))) return
    await recordEvent(dependencies, work, 'user.enabled', { origin, userId })
    await applyConsequences(dependencies, work, 'user enabled', { userId, origin })
  })

/**
 * The roles named replace those held; live tokens have the new ones at once. Whoever is an administrator by
 * them loses the sessions that are too old for one.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `last_administrator`, `not_found`; `insufficient_permission` where a role that is given or taken,
 *   or another of that user, allows what the caller may not do
 */
export const changeRoles = async (
  dependencies: Dependencies,
  { userId, roles, origin }: Target & { readonly roles: readonly string[] },
  caller?: Caller,
): Promise<void> => {
  const after = [...new Set(roles)].sort()
  return inTransaction(dependencies.db, async work => {
    await lockInstallation(work)
    const roleTable = await holdGiver(dependencies, work, caller, { roles, over: userId })
    if (!roles.includes(administratorRole)) await guardLastAdministrator(work, userId)
    await lockUser(work, userId)
    const { roles: before } = await getPerson(work.db, userId)
    await replaceRoles(dependencies, work, userId, after)
    await noteAdministrator(dependencies, work, roles)
    await recordEvent(dependencies, work, 'user.roles-changed', {
      origin,
      userId,
      details: { before, after },
    })
    await emitHook(dependencies, work, 'role-changed', { userId, before, after })
    await applyConsequences(dependencies, work, 'roles changed', { userId, origin })
    if (isAdministrative(roleTable, after))
      await endOverlong({ ...dependencies, roleTable }, work, { userId, roles: after, origin })
  })
}
