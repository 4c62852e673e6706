import type { Permission } from '../permissions/access-rule.ts'
import { permissionsOf, type RoleTable } from '../permissions/roles.ts'
import type { AccessToken } from '../tokens/access-token.ts'

/** The kinds of principal that a route may name. */
export type PrincipalKind = 'user' | 'api-key' | 'client'

/** Whoever a request acts as. */
export type Principal = {
  readonly kind: PrincipalKind
  readonly userId: string
  readonly sessionId: string
  /** When the person last proved who it is, milliseconds. */
  readonly authTime: number
  readonly amr: readonly string[]
  readonly roles: readonly string[]
  readonly permissions: ReadonlySet<Permission>
}

/** A user's own session, with the roles given: the claim's, or those read again from the database. */
export const toUserPrincipal = (
  roleTable: RoleTable,
  token: AccessToken,
  roles: readonly string[],
): Principal =>
  Object.freeze({
    kind: 'user',
    userId: token.userId,
    sessionId: token.sessionId,
    authTime: token.authTime,
    amr: token.amr,
    roles,
    permissions: permissionsOf(roleTable, roles),
  })
