import type { Permission, PermissionSet } from './access-rule.ts'

/**
 * Permissions that nobody can change, whatever the compiler is told: one set serves every request of a token.
 * `Object.freeze` keeps nobody from `add` of a `Set`, so the `Set` itself is given to nobody.
 */
export const toPermissionSet = (permissions: Iterable<Permission>): PermissionSet => {
  const set = new Set(permissions)
  return Object.freeze({
    has: (permission: Permission) => set.has(permission),
    [Symbol.iterator]: () => set.values(),
  })
}
