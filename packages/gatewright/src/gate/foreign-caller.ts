import type { ForeignUses } from '../audit/foreign-uses.ts'
import type { Federation, ForeignCaller } from '../federation/federation.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Granting } from '../permissions/granted.ts'
import type { LiveRoleTable } from '../permissions/live-roles.ts'
import { toPermissionSet } from '../permissions/permission-set.ts'
import { permissionsOf, splitAdministrative } from '../permissions/roles.ts'
import type { ForeignToken } from '../tokens/foreign-token.ts'
import { hashText, type KnownSecrets } from './known-secrets.ts'
import type { Passage } from './passage.ts'
import { none as noRoles, type Principal } from './principal.ts'
import { admitSubject, admitUnknown } from './unknown-credential.ts'

type Dependencies = Granting & {
  readonly roleTable: LiveRoleTable
  readonly federation: Federation
  readonly limiter: Limiter
  readonly knownSecrets: KnownSecrets
  readonly foreignUses: ForeignUses
}

const none = toPermissionSet([])

const setToken = (passage: Passage, token: ForeignToken): void => {
  passage.foreign = token
  passage.session = { userId: token.foreignId, sessionId: token.foreignId }
}

/** Whether the text says that another issuer has made it: then it is judged as that one's, or not at all. */
export const identifyForeign = (
  dependencies: Dependencies,
  passage: Passage,
  text: string,
): boolean | Promise<true> => {
  const { federation } = dependencies
  const known = federation.findKnown(text)
  if (known !== undefined) {
    setToken(passage, known)
    return true
  }
  if (!federation.isForeign(text)) return false
  admitUnknown(dependencies, passage, hashText(text))
  return federation.verify(text).then(token => {
    setToken(passage, token)
    return true
  })
}

/**
 * Nothing that another issuer says of how a person was proved counts here: no proof is recent, none is a second
 * factor. Who acts for a user may do what both may, and ends with that user.
 */
export const toClientPrincipal = (
  { roleTable, asksAdministrators }: Granting,
  { token, permissions: mapped, user }: ForeignCaller,
): Principal => {
  const held = user === undefined ? undefined : permissionsOf(roleTable, user.roles)
  const both = toPermissionSet(mapped.filter(permission => held?.has(permission) ?? true))
  return Object.freeze({
    kind: 'client',
    userId: user?.userId ?? token.foreignId,
    sessionId: '',
    authTime: 0,
    amr: Object.freeze([]),
    roles: noRoles,
    ...(asksAdministrators() ? splitAdministrative(both) : { permissions: both, withheld: none }),
    issuer: token.issuer,
    subject: token.subject,
  })
}

/** @throws Refusal `invalid_token`, `token_expired`, `unavailable` */
export const checkForeignCaller = (
  dependencies: Dependencies,
  passage: Passage,
  token: ForeignToken,
): void | Promise<void> => {
  const admit = (caller: ForeignCaller): void => {
    passage.principal = toClientPrincipal(dependencies, caller)
    passage.rolesBehind = caller.user?.roles
    const { issuer, subject, clientId, foreignId } = token
    const { address, requestId } = passage
    const userId = caller.user?.userId
    dependencies.foreignUses.note({ issuer, subject, clientId, foreignId, userId, address, requestId })
  }
  const beforeRead = (): void => admitSubject(dependencies, passage, token.foreignId)
  const judged = dependencies.federation.judge(token, beforeRead)
  if (!(judged instanceof Promise)) return admit(judged)
  return judged.then(async caller => {
    await dependencies.roleTable.ensureRead()
    admit(caller)
  })
}
