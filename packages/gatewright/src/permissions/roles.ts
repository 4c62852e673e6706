import type { Permission, PermissionSet } from './access-rule.ts'
import { toPermissionSet } from './permission-set.ts'
import { administrativePermissions, builtInPermissions } from './permissions.ts'

/** What an application adds to the built-in permissions and roles. */
export type RoleDeclaration = {
  /** Names in the form `noun:verb`, each with what it allows: `{ 'reports:read': 'read reports' }`. */
  readonly permissions?: Readonly<Record<string, string>>
  /**
   * Roles with all their permissions: `{ analyst: ['reports:read'] }`. Behind `user` and `moderator` stand
   * own permissions, which these get beside what they have. `admin` has every permission anyhow.
   */
  readonly roles?: Readonly<Record<string, readonly Permission[]>>
}

/** Every permission with what it allows, and every role with its permissions. Roles don't inherit. */
export type RoleTable = {
  readonly permissions: ReadonlyMap<string, string>
  readonly roles: ReadonlyMap<string, readonly Permission[]>
  /** The names of the roles that hold an administrative permission. */
  readonly administrative: ReadonlySet<string>
  /** The names of those that administrators made at run time. */
  readonly made: ReadonlySet<string>
  /** What roles have in the database and not here: it allows nothing, but may beside another version. */
  readonly undeclared: ReadonlyMap<string, readonly string[]>
  /** Those that open something by their names, whatever they allow: of administrators, and what routes ask for. */
  readonly named: ReadonlySet<string>
}

/** The role that everybody gets who registers. */
export const defaultRole = 'user'
/** The role whose holders are administrators. */
export const administratorRole = 'admin'

/** Those of `admin` are not listed: it has all. */
const builtInRoles = {
  [defaultRole]: ['users:read'],
  moderator: ['users:read'],
  [administratorRole]: [],
} as const satisfies Record<string, readonly Permission[]>

export const builtInRoleNames: readonly string[] = Object.keys(builtInRoles)

/** Of an application's own permissions and roles, and of roles made at run time. */
export const isRoleName = (name: string): boolean => roleForm.test(name)

const isBuiltIn = (name: string): name is keyof typeof builtInRoles => Object.hasOwn(builtInRoles, name)

const permissionForm = /^[a-z][a-z0-9-]{0,30}:[a-z][a-z0-9-]{0,30}$/
/** Short, because every access token names the roles of its user. */
const roleForm = /^[a-z][a-z0-9-]{0,31}$/

const refuse = (what: string): never => {
  throw new TypeError(what)
}

const checkPermission = ([name, allows]: readonly [string, string]): void => {
  if (Object.hasOwn(builtInPermissions, name))
    refuse(`the permission ${name} is built in: give yours another name`)
  if (!permissionForm.test(name))
    refuse(`${JSON.stringify(name)} is no name of a permission: write one like 'reports:read'`)
  if (typeof allows !== 'string' || allows === '')
    refuse(`the permission ${name} does not say what it allows: write { '${name}': 'read reports' }`)
}

const checkRole = (
  name: string,
  listed: readonly string[],
  permissions: ReadonlyMap<string, string>,
): void => {
  if (name === administratorRole)
    refuse(`the role ${name} has every permission, yours included: leave it out of "roles"`)
  if (!roleForm.test(name)) refuse(`${JSON.stringify(name)} is no name of a role: write one like 'analyst'`)
  if (!Array.isArray(listed)) refuse(`the role ${name} is no list of permissions: write ['reports:read']`)
  const unknown = listed.find(permission => !permissions.has(permission))
  if (unknown !== undefined)
    refuse(`the role ${name} names the permission ${unknown}, which nobody declared: see "permissions"`)
  const taken = isBuiltIn(name) && listed.find(permission => Object.hasOwn(builtInPermissions, permission))
  if (taken)
    refuse(`the built-in role ${name} can get own permissions only, not ${taken}: make a role for it`)
}

/**
 * The built-in roles and permissions with those of an application.
 * @throws TypeError that says what to write, for a name that is taken, unknown or not well-formed
 */
export const createRoleTable = ({ permissions = {}, roles = {} }: RoleDeclaration = {}): RoleTable => {
  Object.entries(permissions).forEach(checkPermission)
  const all = new Map<string, string>(Object.entries({ ...builtInPermissions, ...permissions }))
  for (const [name, listed] of Object.entries(roles)) checkRole(name, listed, all)
  const names = new Set([...builtInRoleNames, ...Object.keys(roles)])
  const permissionsOfRole = (name: string): readonly Permission[] => {
    if (name === administratorRole) return [...all.keys()] as Permission[]
    const builtIn = isBuiltIn(name) ? builtInRoles[name] : []
    return [...new Set([...builtIn, ...((Object.hasOwn(roles, name) && roles[name]) || [])])]
  }
  const table = new Map([...names].map(name => [name, permissionsOfRole(name)] as const))
  return {
    permissions: all,
    roles: table,
    administrative: new Set([...names].filter(isAdministrativeIn(table))),
    made: new Set(),
    undeclared: new Map(),
    named: new Set([administratorRole]),
  }
}

const isAdministrativeIn =
  (roles: RoleTable['roles']) =>
  (name: string): boolean =>
    roles.get(name)?.some(permission => administrativePermissions.has(permission)) ?? false

/**
 * The table with these roles of the database. What code says stands: a role of the same name is passed over, and a
 * permission that nobody declares any more allows nothing.
 * @param anew of those that stood in the table before, the ones that are to be replaced; without a word, all
 */
export const withMadeRoles = (
  table: RoleTable,
  made: readonly { readonly name: string; readonly permissions: readonly string[] }[],
  anew: Iterable<string> = table.made,
): RoleTable => {
  const roles = new Map(table.roles)
  const names = new Set(table.made)
  const undeclared = new Map(table.undeclared)
  for (const name of anew) {
    undeclared.delete(name)
    if (names.delete(name)) roles.delete(name)
  }
  for (const { name, permissions } of made) {
    if (roles.has(name)) continue
    names.add(name)
    roles.set(name, permissions.filter(one => table.permissions.has(one)) as Permission[])
    undeclared.set(
      name,
      permissions.filter(one => !table.permissions.has(one)),
    )
  }
  const administrative = [...roles.keys()].filter(
    name => isAdministrativeIn(roles)(name) || (!names.has(name) && table.administrative.has(name)),
  )
  return { ...table, roles, administrative: new Set(administrative), made: names, undeclared }
}

/** What the roles named allow together. A name that is no role allows nothing. */
export const permissionsOf = ({ roles }: Pick<RoleTable, 'roles'>, names: readonly string[]): PermissionSet =>
  toPermissionSet(names.flatMap(name => roles.get(name) ?? []))

/** What counts without a second factor where one is asked for, and what does not. */
export const splitAdministrative = (
  held: PermissionSet,
): { readonly permissions: PermissionSet; readonly withheld: PermissionSet } => {
  const [withheld = [], permissions = []] = [true, false].map(is =>
    [...held].filter(permission => administrativePermissions.has(permission) === is),
  )
  return { permissions: toPermissionSet(permissions), withheld: toPermissionSet(withheld) }
}

/** Whether the roles named make their holder an administrator. */
export const isAdministrative = (
  { administrative }: Pick<RoleTable, 'administrative'>,
  names: readonly string[],
): boolean => names.some(name => administrative.has(name))
