import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { listMadeRoles } from './made-roles.ts'
import { builtInPermissions } from './permissions.ts'
import { builtInRoleNames, createRoleTable, type RoleTable, withMadeRoles } from './roles.ts'

type DeclaredRole = { readonly name: string; readonly is_administrative: number }

/** What the application declared at its last start, in alphabetical order. */
type Noted = {
  readonly roles: readonly DeclaredRole[]
  readonly permissions: readonly { readonly name: string; readonly allows: string }[]
  readonly rolePermissions: readonly { readonly role: string; readonly permission: string }[]
}

/** The roles that the application declared at its last start, in alphabetical order. */
export const listDeclaredRoles = (db: Database): Promise<DeclaredRole[]> =>
  db.selectFrom('declared_roles').select(['name', 'is_administrative']).orderBy('name').execute()

const isOwn = (permission: string): boolean => !Object.hasOwn(builtInPermissions, permission)

const readNoted = async (db: Database): Promise<Noted> => ({
  roles: await listDeclaredRoles(db),
  permissions: await db.selectFrom('declared_permissions').selectAll().orderBy('name').execute(),
  rolePermissions: await db
    .selectFrom('declared_role_permissions')
    .selectAll()
    .orderBy('role')
    .orderBy('permission')
    .execute(),
})

/** The administrators' role has all, and is not noted; nor what built-in roles allow anyhow. */
const permissionsToNote = ({ roles }: RoleTable): Noted['rolePermissions'] =>
  [...roles]
    .filter(([role]) => role !== 'admin')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([role, permissions]) =>
      [...permissions]
        .filter(permission => !builtInRoleNames.includes(role) || isOwn(permission))
        .sort()
        .map(permission => ({ role, permission })),
    )

const toNoted = (table: RoleTable): Noted => ({
  roles: [...table.roles.keys()]
    .filter(name => !builtInRoleNames.includes(name))
    .sort()
    .map(name => ({ name, is_administrative: Number(table.administrative.has(name)) })),
  permissions: [...table.permissions]
    .filter(([name]) => isOwn(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, allows]) => ({ name, allows })),
  rolePermissions: permissionsToNote(table),
})

const isSame = (some: Noted, others: Noted): boolean => JSON.stringify(some) === JSON.stringify(others)

const replaceNoted = async ({ db }: Work, { roles, permissions, rolePermissions }: Noted): Promise<void> => {
  await db.deleteFrom('declared_roles').execute()
  await db.deleteFrom('declared_permissions').execute()
  await db.deleteFrom('declared_role_permissions').execute()
  if (roles.length > 0)
    await db
      .insertInto('declared_roles')
      .values([...roles])
      .execute()
  if (permissions.length > 0)
    await db
      .insertInto('declared_permissions')
      .values([...permissions])
      .execute()
  if (rolePermissions.length > 0)
    await db
      .insertInto('declared_role_permissions')
      .values([...rolePermissions])
      .execute()
}

/** @throws Error that says what to do: whoever holds the one that was made would get what the other allows */
const refuseTaken = async ({ db }: Work, { roles }: Noted): Promise<void> => {
  const made = await db.selectFrom('roles').select('name').execute()
  const taken = roles.find(({ name }) => made.some(role => role.name === name))
  if (taken !== undefined)
    throw new Error(
      `the role ${taken.name} of "roles" was made at run time by an administrator: give yours another name, or take that one from its holders and delete it (gatewright role delete ${taken.name})`,
    )
}

/**
 * Notes what is declared, in place of what was noted before, for other processes that know no application. Roles are
 * made at run time under the same lock, so that no name stands for two.
 * @throws Error where a role was made at run time that is declared now
 */
export const noteDeclaredRoles = async (db: Database, table: RoleTable): Promise<void> => {
  const declared = toNoted(table)
  if (isSame(await readNoted(db), declared)) return
  await inTransaction(db, async work => {
    await lockInstallation(work)
    await refuseTaken(work, declared)
    await replaceNoted(work, declared)
  })
}

/** An older version may have noted names only, and a newer one permissions that are built in by now. */
const toDeclaration = ({ roles, permissions, rolePermissions }: Noted) => {
  const own = new Map(permissions.filter(({ name }) => isOwn(name)).map(({ name, allows }) => [name, allows]))
  const listed = (role: string, isKnown: (permission: string) => boolean): readonly string[] =>
    rolePermissions
      .filter(row => row.role === role && isKnown(row.permission))
      .map(({ permission }) => permission)
  const isNamed = (name: string): boolean => own.has(name) || !isOwn(name)
  return {
    permissions: Object.fromEntries(own),
    roles: Object.fromEntries([
      ...builtInRoleNames
        .filter(name => name !== 'admin')
        .map(name => [name, listed(name, one => own.has(one))] as const),
      ...roles.map(({ name }) => [name, listed(name, isNamed)] as const),
    ]),
  }
}

/**
 * The roles as a process knows them that has no application, such as the command line: what the last start declared,
 * and those that administrators made.
 */
export const readRoleTable = async (db: Database): Promise<RoleTable> => {
  const noted = await readNoted(db)
  const table = createRoleTable(toDeclaration(noted) as Parameters<typeof createRoleTable>[0])
  const administrative = noted.roles.filter(role => role.is_administrative === 1).map(({ name }) => name)
  return withMadeRoles(
    { ...table, administrative: new Set([...table.administrative, ...administrative]) },
    await listMadeRoles(db),
  )
}
