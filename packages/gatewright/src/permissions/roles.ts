/** Every permission, and what it allows. */
export const permissions = {
  'users:read': 'see the public fields of users',
  'posts:write': 'write posts',
  'posts:moderate': "edit and delete anybody's posts",
  'todos:read': 'read own todos',
  'todos:write': 'write own todos',
  'users:write': 'administer users',
  'roles:write': 'administer roles',
  'sessions:write': "end anybody's sessions",
  'api-keys:write': "revoke anybody's API keys",
  'signing-keys:write': 'rotate and revoke signing keys',
  'clients:write': 'administer OAuth clients',
  'audit:read': 'read the audit log',
  'metrics:read': 'read metrics and health',
  'settings:read': 'read the settings in force',
  'revocations:read': 'follow the revocation feed',
} as const satisfies Record<string, string>

export type Permission = keyof typeof permissions

const everyPermission = Object.keys(permissions) as Permission[]

/** The built-in roles. A role is a named set of permissions; roles don't inherit. */
export const roles = {
  user: ['users:read', 'posts:write', 'todos:read', 'todos:write'],
  moderator: ['users:read', 'posts:write', 'todos:read', 'todos:write', 'posts:moderate'],
  admin: everyPermission,
} as const satisfies Record<string, readonly Permission[]>

export type Role = keyof typeof roles

export const isRole = (name: string): name is Role => Object.hasOwn(roles, name)

/** What the roles named allow together. A name that is no role allows nothing. */
export const permissionsOf = (names: readonly string[]): ReadonlySet<Permission> =>
  new Set(names.filter(isRole).flatMap(name => roles[name] as readonly Permission[]))
