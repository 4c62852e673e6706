import type { KnownKey } from '../api-keys/known-keys.ts'
import type { PermissionSet, PrincipalKind } from '../permissions/access-rule.ts'
import { type Granting, grantedTo } from '../permissions/granted.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import { toPermissionSet } from '../permissions/permission-set.ts'
import type { AccessToken } from '../tokens/access-token.ts'

export type { PrincipalKind }

/**
 * Whoever a request acts as. Frozen, deeply: requests with the same token are given the same one, so what one of
 * them could change would be true of all.
 */
export type Principal = {
  readonly kind: PrincipalKind
  /**
   * Whom it acts for. A client that acts for no user here has an id of its own in this place, which no user's can
   * be and by which nothing is found (`isForeignId`).
   */
  readonly userId: string
  /** Empty where no session stands behind the credential. */
  readonly sessionId: string
  /** The API key that was shown. */
  readonly keyId?: string
  /** When the person last proved who it is, milliseconds. */
  readonly authTime: number
  readonly amr: readonly string[]
  /** Of a user's own session. What acts for somebody has permissions, and none of the roles that may allow more. */
  readonly roles: readonly string[]
  /** `has` asks for one, and it can be gone through; nothing can be added or taken away. */
  readonly permissions: PermissionSet
  /** What the roles allow and this session does not, before it has shown a second factor. */
  readonly withheld: PermissionSet
  /** Who has issued the token of a client, and whom it names there: the two together are one principal. */
  readonly issuer?: string
  readonly subject?: string
}

type OwnSession = Pick<AccessToken, 'userId' | 'sessionId' | 'authTime' | 'amr'>

/** A user's own session, with the roles given: the claim's, or those that the database has. */
export const toUserPrincipal = (
  granting: Granting,
  session: OwnSession,
  roles: readonly string[],
): Principal =>
  Object.freeze({
    kind: 'user',
    userId: session.userId,
    sessionId: session.sessionId,
    authTime: session.authTime,
    amr: Object.freeze(session.amr),
    roles: Object.freeze(roles),
    ...grantedTo(granting, session.amr, roles),
  })

/** Long before any sign-in: a key proves no person, so nothing that asks for one is open to it. */
const never = 0

/** Roles allow all that they do: what was given less than its owner has none, whoever asks for them. */
export const none: readonly string[] = Object.freeze([])

/**
 * An API key: what it was given, as far as its owner's roles allow it at this moment. Administrative permissions
 * ask for a second factor where sessions must show one: whoever made the key must have shown it then.
 */
export const toKeyPrincipal = (
  granting: Granting,
  { userId, keyId, roles: ofOwner, permissions: given, hasFactor }: KnownKey,
): Principal => {
  const { permissions: held } = grantedTo(granting, hasFactor ? [multiFactor] : [], ofOwner)
  return Object.freeze({
    kind: 'api-key',
    userId,
    sessionId: '',
    keyId,
    authTime: never,
    amr: Object.freeze([]),
    roles: none,
    permissions: toPermissionSet([...held].filter(permission => given.includes(permission))),
    withheld: toPermissionSet([]),
  })
}
