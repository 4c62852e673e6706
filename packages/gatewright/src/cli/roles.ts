import type { Role } from '../administration/roles.ts'
import { toTimestampOrNull } from '../ground/clock.ts'

/** A role as the command line's JSON shows one. */
export const toRoleView = ({ name, kind, description, permissions, ...role }: Role) => ({
  name,
  kind,
  description,
  permissions,
  undeclared_permissions: role.undeclared,
  holders: role.holders,
  created_at: toTimestampOrNull(role.createdAt),
  changed_at: toTimestampOrNull(role.changedAt),
})

/** What it allows, in words. */
export const toAllowed = ({ permissions, undeclared }: Role): string =>
  [
    permissions.join(', ') || 'nothing',
    ...(undeclared.length > 0 ? [`(declared by nobody any more: ${undeclared.join(', ')})`] : []),
  ].join(' ')
