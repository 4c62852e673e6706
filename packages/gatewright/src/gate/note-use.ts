import type { PermissionUses } from '../access-review/permission-uses.ts'
import { type Clock, endOfDay } from '../ground/clock.ts'
import type { AccessRule, Facts } from '../permissions/access-rule.ts'
import { isSettled, restsOn } from '../permissions/rests-on.ts'
import { defaultRole, type RoleTable } from '../permissions/roles.ts'
import type { Passage } from './passage.ts'
import type { Principal } from './principal.ts'

export type UseDependencies = {
  readonly clock: Pick<Clock, 'now'>
  readonly roleTable: Pick<RoleTable, 'roles'>
  readonly permissionUses: Pick<PermissionUses, 'note'>
}

type Caller = Pick<Passage, 'principal' | 'rolesBehind'>
type Used = ReturnType<typeof restsOn>[number]

/** What was noted of a principal today: as long as its token or key is remembered, each rule is looked at once a day. */
type Noted = { readonly until: number; readonly rules: Set<AccessRule> }

const notedOf = new WeakMap<Principal, Noted>()

const openNoted = (principal: Principal, now: number): Noted => {
  const known = notedOf.get(principal)
  if (known !== undefined && now < known.until) return known
  const noted = { until: endOfDay(now), rules: new Set<AccessRule>() }
  notedOf.set(principal, noted)
  return noted
}

/** What everybody has who registers is reviewed of nobody. */
const isOfEverybody = ({ roles }: UseDependencies['roleTable'], used: Used): boolean =>
  (roles.get(defaultRole) as readonly string[] | undefined)?.includes(used) ?? false

/** Roles that allow it: whichever of them is taken away may be the one that it needs. */
const rolesThatAllow = (
  { roles }: UseDependencies['roleTable'],
  held: readonly string[],
  used: Used,
): readonly string[] =>
  held.filter(role => (roles.get(role) as readonly string[] | undefined)?.includes(used))

const noteOne = (
  { permissionUses, roleTable }: UseDependencies,
  { userId, keyId }: Principal,
  roles: readonly string[],
  used: Used,
): void => {
  if (keyId !== undefined) permissionUses.note('api-key', keyId, used)
  if (isOfEverybody(roleTable, used)) return
  permissionUses.note('user', userId, used)
  for (const role of rolesThatAllow(roleTable, roles, used)) permissionUses.note('role', role, used)
}

/** Of a client that acts for no user here nothing is noted: what it may do stands in the settings alone. */
const noteAll = (
  dependencies: UseDependencies,
  { principal, rolesBehind }: Caller,
  used: readonly Used[],
): void => {
  if (principal === undefined) return
  const roles = principal.kind === 'user' ? principal.roles : rolesBehind
  if (roles !== undefined) for (const one of used) noteOne(dependencies, principal, roles, one)
}

/**
 * Notes what let a caller in, for the access review. Behind the yes, without I/O, and once a day for each rule
 * where the caller's credential is remembered: to every other request it is two look-ups.
 */
export const noteUse = (
  dependencies: UseDependencies,
  passage: Caller & Pick<Passage, 'rule'>,
  facts: Facts,
): void => {
  const { principal, rule } = passage
  if (principal === undefined) return
  const { rules } = openNoted(principal, dependencies.clock.now())
  if (rules.has(rule.access)) return
  if (isSettled(rule.access)) rules.add(rule.access)
  noteAll(dependencies, passage, restsOn(rule.access, facts))
}

/** The same of a rule that only a part of the input asked for. */
export const noteFurtherUse = (
  dependencies: UseDependencies,
  rule: AccessRule,
  caller: Caller,
  facts: Facts,
): void => noteAll(dependencies, caller, restsOn(rule, facts))
