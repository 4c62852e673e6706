import type { Permission } from 'gatewright/access'

/** The blog's own permissions, beside the engine's. */
export const permissions = {
  'posts:write': 'write posts',
  'posts:moderate': "edit and delete anybody's posts",
  'todos:read': 'read own todos',
  'todos:write': 'write own todos',
} as const satisfies Record<string, string>

declare module 'gatewright/access' {
  interface OwnPermissions extends Record<keyof typeof permissions, string> {}
}

/** What the built-in roles may do here, beside what they may everywhere. */
export const roles = {
  user: ['posts:write', 'todos:read', 'todos:write'],
  moderator: ['posts:write', 'todos:read', 'todos:write', 'posts:moderate'],
} as const satisfies Record<string, readonly Permission[]>
