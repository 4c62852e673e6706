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

type OwnSession = Pick<AccessToken, 'userId' | 'sessionId' | 'authTime' | 'amr'>

/** A user's own session, with the roles given: the claim's, or those that the database has. */
export const toUserPrincipal = (
  roleTable: RoleTable,
  session: OwnSession,
  roles: readonly string[],
): Principal =>
  Object.freeze({
    kind: 'user',
    userId: session.userId,
    sessionId: session.sessionId,
    authTime: session.authTime,
    amr: session.amr,
    roles,
    permissions: permissionsOf(roleTable, roles),
  })
