import { type Origin, recordEvent } from '../audit/record.ts'
import { endOverlong } from '../consequences/overtime.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Permission } from '../permissions/access-rule.ts'
import type { Granting } from '../permissions/granted.ts'
import { lockMadeRole, type MadeRole } from '../permissions/made-roles.ts'
import { administrativePermissions } from '../permissions/permissions.ts'
import { isAdministrative, isRoleName, type RoleTable, withMadeRoles } from '../permissions/roles.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { listRoles, lockUser } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'
import { countHolders, noSuchRole, type Role, toShown, withHolders } from './roles.ts'

type Dependencies = SessionDependencies & Granting & { readonly db: Database }

/** Every process keeps all of them in memory. */
const mostRoles = 200

/** @throws Refusal `validation_failed` */
const checkName = (name: string): void => {
  if (isRoleName(name)) return
  const message =
    "a role's name has at most 32 lower-case letters, digits and hyphens, and begins with a letter"
  throw new Refusal('validation_failed', { errors: [{ path: '/name', message }] })
}

/** @throws Refusal `validation_failed` naming the one that nobody declared */
const checkPermissions = ({ permissions }: RoleTable, listed: readonly string[]): void => {
  const unknown = listed.find(permission => !permissions.has(permission))
  if (unknown === undefined) return
  const message = `there is no permission ${JSON.stringify(unknown)}: write some of ${[...permissions.keys()].join(', ')}`
  throw new Refusal('validation_failed', { errors: [{ path: '/permissions', message }] })
}

const ofCodeAlone = (name: string): Refusal =>
  new Refusal('conflict', {
    reason: 'role_of_code',
    detail: `The role ${name} stands in code: it can't be changed or deleted here.`,
  })

/** Whoever still has a role that an application declared once would silently get what somebody else writes. */
const refuseHeld = async ({ db }: Work, name: string): Promise<void> => {
  if ((await countHolders(db, name)) === 0) return
  throw new Refusal('conflict', {
    reason: 'role_held',
    detail: `Somebody has a role ${name} still, from when an application declared it: give them other roles first.`,
  })
}

const taken = (name: string): Refusal =>
  new Refusal('conflict', { reason: 'role_exists', detail: `There is a role ${name} already.` })

const isDeclared = async ({ db }: Work, name: string): Promise<boolean> =>
  (await db.selectFrom('declared_roles').select('name').where('name', '=', name).executeTakeFirst()) !==
  undefined

const isOfCode = async ({ roles, made }: RoleTable, work: Work, name: string): Promise<boolean> =>
  (roles.has(name) && !made.has(name)) || (await isDeclared(work, name))

/**
 * Every process reads what roles allow again: this one before its next request is judged. Nothing ends, so nothing is
 * promised: whoever has read nothing for half a minute reads them again without being told.
 */
const tellProcesses = (dependencies: Dependencies, work: Work, name: string): Promise<void> =>
  recordCutOffs(dependencies, work, [{ kind: 'reread-roles', subject: name, promisedUntil: 0 }])

/** Who makes or changes a role must hold every permission of it: those that it had and those that it gets. */
const holdMaker = (
  dependencies: Dependencies,
  work: Work,
  caller: Caller | undefined,
  ...lists: readonly (readonly string[])[]
): Promise<void> =>
  holdAdministrator(dependencies, work, caller, {
    // What nobody declares, nobody holds: it allows nothing, and keeps nobody from taking it out.
    needed: [
      'roles:write',
      ...(lists.flat().filter(one => dependencies.roleTable.permissions.has(one)) as Permission[]),
    ],
  })

const insertPermissions = async (
  { db }: Work,
  role: string,
  permissions: readonly string[],
): Promise<void> => {
  if (permissions.length === 0) return
  await db
    .insertInto('role_permissions')
    .values(permissions.map(permission => ({ role, permission })))
    .execute()
}

const checkRoom = async ({ db }: Work): Promise<void> => {
  const { roles } = await db
    .selectFrom('roles')
    .select(eb => eb.fn.countAll<number>().as('roles'))
    .executeTakeFirstOrThrow()
  if (Number(roles) < mostRoles) return
  throw new Refusal('conflict', {
    reason: 'too_many_roles',
    detail: `There are ${mostRoles} roles that were made at run time, and no more are taken: delete one first.`,
  })
}

export type NewRole = {
  readonly name: string
  readonly description: string
  readonly permissions: readonly string[]
}

/** In what order they are named says nothing. */
const sorted = (permissions: readonly string[]): readonly string[] => [...new Set(permissions)].sort()

/**
 * Makes a role of permissions that are declared. Nobody has it yet.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `validation_failed`; `conflict` for a name that is taken, or that somebody has from before;
 *   `insufficient_permission` where it allows what the caller may not do
 */
export const createRole = async (
  dependencies: Dependencies,
  { name, description, permissions: listed }: NewRole,
  origin: Origin,
  caller?: Caller,
): Promise<Role> => {
  checkName(name)
  checkPermissions(dependencies.roleTable, listed)
  const permissions = sorted(listed)
  return inTransaction(dependencies.db, async work => {
    await lockInstallation(work)
    await holdMaker(dependencies, work, caller, permissions)
    if (await isOfCode(dependencies.roleTable, work, name)) throw taken(name)
    await refuseHeld(work, name)
    await checkRoom(work)
    const now = dependencies.clock.now()
    const { numInsertedOrUpdatedRows } = await work.db
      .insertInto('roles')
      .values({ name, description, created_at: now, changed_at: now })
      .onConflict(conflict => conflict.column('name').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) throw taken(name)
    await insertPermissions(work, name, permissions)
    await recordEvent(dependencies, work, 'role.created', {
      origin,
      details: { role: name, description, permissions },
    })
    await tellProcesses(dependencies, work, name)
    const made = { name, description, permissions, createdAt: now, changedAt: now }
    return withHolders(work.db, toShown(dependencies.roleTable, made))
  })
}

/** Users with a live session who have the role, in the order in which their rows are taken. */
const listHoldersSignedIn = async ({ db }: Work, role: string): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('user_roles')
    .select('user_id')
    .where('role', '=', role)
    .where(eb =>
      eb.exists(
        eb
          .selectFrom('sessions')
          .select('sessions.id')
          .whereRef('sessions.user_id', '=', 'user_roles.user_id')
          .where('sessions.ended_at', 'is', null),
      ),
    )
    .orderBy('user_id')
    .execute()
  return rows.map(({ user_id }) => user_id)
}

/** Whoever is an administrator by the role from now on loses the sessions that are too old for one. */
const shortenSessions = async (
  dependencies: Dependencies,
  work: Work,
  { before, after }: { readonly before: MadeRole; readonly after: MadeRole },
  origin: Origin,
): Promise<void> => {
  const withRole = (role: MadeRole) => withMadeRoles(dependencies.roleTable, [role], [role.name])
  const roleTable = withRole(after)
  if (!isAdministrative(roleTable, [after.name]) || isAdministrative(withRole(before), [after.name])) return
  for (const userId of await listHoldersSignedIn(work, after.name)) {
    await lockUser(work, userId)
    const roles = await listRoles(work.db, userId)
    await endOverlong({ ...dependencies, roleTable }, work, { userId, roles, origin })
  }
}

/**
 * The role's row, held, in the order in which everybody takes rows: users first, the role after them.
 * @param holders whether those who have it are held as well: their sessions may end
 * @throws Refusal `conflict` for a role that stands in code, `not_found`
 */
const holdRole = async (
  dependencies: Dependencies,
  work: Work,
  { name, caller, holders }: { name: string; caller: Caller | undefined; holders: boolean },
): Promise<MadeRole> => {
  await lockInstallation(work)
  const others = holders ? await listHoldersSignedIn(work, name) : []
  const held = new Set([...(caller ? [caller.userId] : []), ...others])
  for (const userId of [...held].sort()) await lockUser(work, userId)
  await holdMaker(dependencies, work, caller)
  const role = await lockMadeRole(work, name)
  if (role !== undefined) return role
  throw (await isOfCode(dependencies.roleTable, work, name)) ? ofCodeAlone(name) : noSuchRole(name)
}

export type RoleChange = { readonly description?: string; readonly permissions?: readonly string[] }

const writeRole = async ({ db }: Work, role: MadeRole): Promise<void> => {
  const { name, description, changedAt } = role
  await db.updateTable('roles').set({ description, changed_at: changedAt }).where('name', '=', name).execute()
}

const replacePermissions = async (work: Work, { name, permissions }: MadeRole): Promise<void> => {
  await work.db.deleteFrom('role_permissions').where('role', '=', name).execute()
  await insertPermissions(work, name, permissions)
}

/**
 * Changes what a role that was made allows, at once for all who have it, whatever tokens and keys they hold; or what
 * is said of it.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `validation_failed`, `not_found`; `conflict` for a role that stands in code;
 *   `insufficient_permission` where it allowed or is to allow what the caller may not do
 */
export const changeRole = async (
  dependencies: Dependencies,
  { name, origin, ...change }: RoleChange & { readonly name: string; readonly origin: Origin },
  caller?: Caller,
): Promise<Role> => {
  if (change.permissions !== undefined) checkPermissions(dependencies.roleTable, change.permissions)
  return inTransaction(dependencies.db, async work => {
    const holders = change.permissions?.some(one => administrativePermissions.has(one)) ?? false
    const before = await holdRole(dependencies, work, { name, caller, holders })
    const permissions = sorted(change.permissions ?? before.permissions)
    const changedAt = dependencies.clock.now()
    const after = { ...before, description: change.description ?? before.description, permissions, changedAt }
    await holdMaker(dependencies, work, caller, before.permissions, permissions)
    const isSame = permissions.join() === sorted(before.permissions).join()
    if (isSame && after.description === before.description)
      return withHolders(work.db, toShown(dependencies.roleTable, before))
    await writeRole(work, after)
    await recordEvent(dependencies, work, 'role.changed', {
      origin,
      details: {
        role: name,
        before: before.permissions,
        after: permissions,
        description_before: before.description,
        description: after.description,
      },
    })
    if (!isSame) {
      await replacePermissions(work, after)
      await tellProcesses(dependencies, work, name)
      await shortenSessions(dependencies, work, { before, after }, origin)
    }
    return withHolders(work.db, toShown(dependencies.roleTable, after))
  })
}

/**
 * Deletes a role that was made and that nobody has.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `not_found`; `conflict` for a role that stands in code, or that somebody has;
 *   `insufficient_permission` where it allows what the caller may not do
 */
export const deleteRole = (
  dependencies: Dependencies,
  { name, origin }: { readonly name: string; readonly origin: Origin },
  caller?: Caller,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    const { permissions } = await holdRole(dependencies, work, { name, caller, holders: false })
    await holdMaker(dependencies, work, caller, permissions)
    if ((await countHolders(work.db, name)) > 0)
      throw new Refusal('conflict', {
        reason: 'role_held',
        detail: `Somebody has the role ${name}: give them other roles first. To end what it allows at once, change it to no permissions.`,
      })
    await work.db.deleteFrom('role_permissions').where('role', '=', name).execute()
    await work.db.deleteFrom('roles').where('name', '=', name).execute()
    await work.db
      .deleteFrom('permission_uses')
      .where('holder_kind', '=', 'role')
      .where('holder_id', '=', name)
      .execute()
    await recordEvent(dependencies, work, 'role.deleted', {
      origin,
      details: { role: name, before: permissions },
    })
    await tellProcesses(dependencies, work, name)
  })
