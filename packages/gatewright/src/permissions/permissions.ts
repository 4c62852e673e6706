/** The built-in permissions, and what each allows. An application declares its own beside them. */
export const builtInPermissions = {
  'users:read': 'see the public fields of users',
  'users:write': 'administer users',
  'roles:write': 'administer roles',
  'sessions:write': "end anybody's sessions",
  'api-keys:write': "make API keys for services, and revoke anybody's",
  'signing-keys:write': 'rotate and revoke signing keys',
  'clients:write': 'administer OAuth clients and other issuers',
  'audit:read': 'read the audit log',
  'metrics:read': 'read metrics and health',
  'settings:read': 'read the settings in force',
  'revocations:read': 'follow the revocation feed',
} as const satisfies Record<string, string>

/** What everybody may have: every other built-in permission is administrative, one that is added as well. */
const everyday: readonly string[] = ['users:read'] satisfies readonly (keyof typeof builtInPermissions)[]

/** Whoever holds one of these is an administrator, whose sessions are shorter. An application's own are none. */
export const administrativePermissions: ReadonlySet<string> = new Set(
  Object.keys(builtInPermissions).filter(name => !everyday.includes(name)),
)
