import type { Permission, PermissionSet } from './access-rule.ts'
import { administratorRole, defaultRole, permissionsOf, type RoleTable } from './roles.ts'

declare const beyondBrand: unique symbol

/** What a role opens beside the permissions that are declared here. */
export type Beyond = string & { readonly [beyondBrand]: true }

/** A space stands in no name of a permission. */
export const namedRole = (role: string): Beyond => `role ${role}` as Beyond

/** What everybody gets who registers tells nobody apart. */
const beyondOf = ({ undeclared, named }: RoleTable, roles: readonly string[]): readonly Beyond[] =>
  roles.flatMap(role => [
    ...(undeclared.get(role) ?? []),
    ...(named.has(role) && role !== defaultRole ? [namedRole(role)] : []),
  ]) as Beyond[]

/**
 * All that these roles open, here or beside a version of the application that declares more, now or when more is
 * declared: what somebody needs who gives them, or who acts on whoever has them.
 */
export const reachOf = (table: RoleTable, roles: readonly string[]): readonly (Permission | Beyond)[] => [
  ...permissionsOf(table, roles),
  ...beyondOf(table, roles),
]

type Holder = { readonly roles: readonly string[]; readonly permissions: PermissionSet }

/**
 * Whether a holder of these roles, with these permissions, reaches all of it. Administrators have whatever is no
 * permission here: all that is declared elsewhere is theirs there.
 */
export const reaches = (
  table: RoleTable,
  { roles, permissions }: Holder,
  needed: readonly (Permission | Beyond)[],
): boolean => {
  const beyond = new Set<string>(beyondOf(table, roles))
  const isAdministrator = roles.includes(administratorRole)
  return needed.every(
    one =>
      permissions.has(one as Permission) ||
      beyond.has(one) ||
      (isAdministrator && !table.permissions.has(one)),
  )
}
