import type { PermissionSet } from './access-rule.ts'
import { multiFactor } from './multi-factor.ts'
import { permissionsOf, type RoleTable, splitAdministrative } from './roles.ts'

/** What decides on the permissions of a session. */
export type Granting = {
  readonly roleTable: RoleTable
  /** Whether administrative permissions count only beside a second factor (`ADMIN_SECOND_FACTOR`). */
  readonly asksAdministrators: () => boolean
}

const none: PermissionSet = new Set<never>()

/** What these roles allow in a session that has shown this, and what they would if it had shown a second factor. */
export const grantedTo = (
  { roleTable, asksAdministrators }: Granting,
  amr: readonly string[],
  roles: readonly string[],
): { readonly permissions: PermissionSet; readonly withheld: PermissionSet } => {
  const permissions = permissionsOf(roleTable, roles)
  const isWhole = amr.includes(multiFactor) || !asksAdministrators()
  return isWhole ? { permissions, withheld: none } : splitAdministrative(permissions)
}
