/** The built-in permissions, and what each allows. An application declares its own beside them. */
export const builtInPermissions = {
  'users:read': 'see the public fields of users',
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
