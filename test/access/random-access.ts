import type { AccessRule, PermissionSet, PrincipalKind, Thing } from 'gatewright/access'
import { minute } from 'gatewright/clock'
import type { Principal } from '../../packages/gatewright/src/gate/principal.ts'
import type { Seeded } from '../sessions/seeded.ts'

/** A rule may name any permission of the blog, or of nobody; few, so that they often meet. */
export const permissions = ['users:read', 'users:write', 'posts:moderate'] as const
export const roles = ['user', 'moderator', 'admin'] as const
export const kinds = ['user', 'api-key', 'client'] as const satisfies readonly PrincipalKind[]

const leaves: readonly ((random: Seeded) => AccessRule)[] = [
  () => ({ kind: 'everyone' }),
  () => ({ kind: 'signed-in' }),
  random => ({ kind: 'permission', permission: random.pick(permissions) }),
  random => ({ kind: 'role', role: random.pick(roles) }),
  () => ({ kind: 'owner', thing: 'post' }),
  () => ({ kind: 'visible', thing: 'post' }),
  random => ({ kind: 'recent-sign-in', within: random.pick([5, 10]) * minute }),
  () => ({ kind: 'second-factor' }),
  () => ({ kind: 'own-session' }),
]

/** Any rule at all, of three floors at most. */
export const randomRule = (random: Seeded, floors = 3): AccessRule => {
  if (floors === 1 || random.oneIn(2)) return random.pick(leaves)(random)
  const rules = Array.from({ length: random.below(4) }, () => randomRule(random, floors - 1))
  return { kind: random.oneIn(2) ? 'any-of' : 'all-of', rules }
}

const some = <T>(random: Seeded, list: readonly T[]): readonly T[] => list.filter(() => random.oneIn(2))

const toSet = (list: readonly string[]): PermissionSet => new Set(list) as PermissionSet

/** Any caller; of a user who may have a second factor (`ann`) or has none (`ben`). */
export const randomPrincipal = (
  random: Seeded,
  now: number,
  userIds: readonly string[],
): Principal | undefined => {
  if (random.oneIn(6)) return undefined
  const held = some(random, permissions)
  const isWhole = random.oneIn(2)
  const withheld: readonly string[] = isWhole ? [] : held.filter(name => name === 'users:write')
  return {
    kind: random.oneIn(2) ? 'user' : random.pick(kinds),
    userId: random.pick(userIds),
    sessionId: 'no session',
    authTime: now - random.pick([0, 5, 5 + 1 / minute, 10, 10 + 1 / minute, 60]) * minute,
    amr: random.oneIn(3) ? ['pwd', 'otp', 'mfa'] : ['pwd'],
    roles: some(random, roles),
    permissions: toSet(held.filter(name => !withheld.includes(name))),
    withheld: toSet(withheld),
  }
}

/** Any thing; sometimes there is none. */
export const randomThing = (random: Seeded, userIds: readonly string[]): Thing | undefined =>
  random.oneIn(4) ? undefined : { ownerId: random.pick(userIds), isPublic: random.oneIn(2) }
