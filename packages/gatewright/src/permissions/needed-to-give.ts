import type { Permission } from './access-rule.ts'
import { type Beyond, reachOf } from './reach.ts'
import { defaultRole, type RoleTable } from './roles.ts'

/** What somebody needs who gives these roles: nobody gives more than they have, but what everybody gets. */
export const neededToGive = (
  { roleTable }: { readonly roleTable: RoleTable },
  roles: readonly string[],
): readonly (Permission | Beyond)[] => {
  const given = roles.filter(role => role !== defaultRole)
  return ['users:write', ...reachOf(roleTable, given)]
}
