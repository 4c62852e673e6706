import { minute, toTimestamp } from '../ground/clock.ts'
import type { AccessRule, TracePart, Verdict } from '../permissions/access-rule.ts'
import type { Access, AccessFacts } from '../permissions/decide-access.ts'
import { describeKinds, describeRule } from '../permissions/describe-access.ts'
import type { RoleTable } from '../permissions/roles.ts'
import type { ExplainedAccess } from './check-access.ts'

/** One line of an explanation. What stands below another line with a greater `depth` is a part of it. */
export type ExplainedPart = {
  readonly depth: number
  /** What was asked. */
  readonly text: string
  readonly held: boolean
  readonly code: string | null
  /** What the answer rests on, in words; null where its parts say it. */
  readonly why: string | null
}

type Roles = Pick<RoleTable, 'roles'>

const join = (names: readonly string[]): string => names.join(', ')

/** "role admin gives", "roles moderator, user give" */
const giving = (roles: readonly string[]): string =>
  roles.length === 1 ? `role ${roles[0]} gives` : `roles ${join(roles)} give`

const whoGives = (permission: string, names: Iterable<string>, { roles }: Roles): readonly string[] =>
  [...names].filter(name => (roles.get(name) as readonly string[] | undefined)?.includes(permission))

type Signed = AccessFacts & { readonly principal: NonNullable<AccessFacts['principal']> }

const whyPermission = (name: string, { principal, permissions, withheld }: Signed, table: Roles): string => {
  const has = (set: AccessFacts['permissions']): boolean => [...set].some(each => each === name)
  const from = giving(whoGives(name, principal.roles, table))
  if (principal.kind !== 'user')
    return has(permissions) ? 'it is among what this caller may' : 'it is not among what this caller may'
  if (has(permissions)) return `${from} ${name}`
  if (has(withheld)) return `${from} ${name}, withheld until the session has shown a second factor`
  const others = whoGives(name, table.roles.keys(), table)
  return `${holds(principal.roles)}, which ${principal.roles.length === 1 ? 'does' : 'do'} not give it; of the roles, ${join(others) || 'none'} would`
}

const holds = (roles: readonly string[]): string =>
  roles.length === 0 ? 'no role is held' : `held: ${join(roles)}`

const whyRole = (name: string, { principal }: Signed, { allowed }: Verdict): string => {
  if (principal.kind !== 'user') return 'only a user has roles'
  if (allowed || !principal.roles.includes(name)) return holds(principal.roles)
  return `held, and it counts only once the session has shown a second factor`
}

const whyOwner = (thing: string, { principal, thing: found }: Signed): string => {
  if (found === undefined) return `there is no such ${thing}`
  if (found.ownerId === principal.userId) return `the ${thing} is the caller's`
  return `the ${thing} is somebody else's, and ${found.isPublic ? 'public' : 'private'}`
}

const whyVisible = (thing: string, { thing: found }: AccessFacts): string => {
  if (found === undefined) return `there is no such ${thing}`
  return found.isPublic ? 'it is' : 'it is private'
}

const minutes = (time: number): string => {
  const whole = Math.floor(time / minute)
  return whole === 1 ? '1 minute' : `${whole} minutes`
}

const noPerson = 'an API key shows no person'

const whyRecent = (within: number, { principal, now }: Signed): string =>
  principal.kind === 'api-key'
    ? noPerson
    : `signed in ${minutes(now() - principal.authTime)} ago, at most ${minutes(within)}`

const whySecondFactor = ({ principal }: Signed): string =>
  principal.kind === 'api-key' ? noPerson : `shown: ${join(principal.amr) || 'nothing'}`

const why = ({ rule, verdict }: TracePart, facts: AccessFacts, table: Roles): string | null => {
  if (rule.kind === 'everyone' || 'rules' in rule) return null
  if (rule.kind === 'visible') return whyVisible(rule.thing, facts)
  if (facts.principal === undefined) return 'nobody is signed in'
  const signed = { ...facts, principal: facts.principal }
  return whySigned(rule, verdict, { signed, table })
}

type Leaf = Exclude<AccessRule, { readonly kind: 'everyone' | 'visible' | 'any-of' | 'all-of' }>

const whySigned = (
  rule: Leaf,
  verdict: Verdict,
  { signed, table }: { readonly signed: Signed; readonly table: Roles },
): string => {
  switch (rule.kind) {
    case 'signed-in':
      return 'somebody is'
    case 'permission':
      return whyPermission(rule.permission, signed, table)
    case 'role':
      return whyRole(rule.role, signed, verdict)
    case 'owner':
      return whyOwner(rule.thing, signed)
    case 'recent-sign-in':
      return whyRecent(rule.within, signed)
    case 'second-factor':
      return whySecondFactor(signed)
    case 'own-session':
      return `the caller is of the kind ${signed.principal.kind}`
  }
}

/** A line on its own, for what is asked beside the rule. */
export const toLine = (
  text: string,
  verdict: { readonly allowed: boolean; readonly code?: string },
  reason: string | null,
): ExplainedPart => ({
  depth: 0,
  text,
  held: verdict.allowed,
  code: verdict.code ?? null,
  why: reason,
})

const toLines = (
  part: TracePart,
  facts: AccessFacts,
  { table, depth }: { readonly table: Roles; readonly depth: number },
): readonly ExplainedPart[] => [
  { ...toLine(describeRule(part.rule), part.verdict, why(part, facts, table)), depth },
  ...part.parts.flatMap(each => toLines(each, facts, { table, depth: depth + 1 })),
]

const factorText = 'a second factor shown, where the user has one'

const whyFactor = ({ isFactorDue }: AccessFacts): string =>
  isFactorDue ? 'the user has one, and this session has not shown it' : 'none is due'

/** The trace of a decision in words, a line for each part, in the order in which it was decided. */
export const toExplainedParts = (
  { principals = ['user'] }: Access,
  { trace, facts }: ExplainedAccess,
  table: Roles,
): readonly ExplainedPart[] => [
  ...(trace.kinds && facts.principal
    ? [
        toLine(
          `for ${describeKinds(principals)}`,
          trace.kinds,
          `the caller is of the kind ${facts.principal.kind}`,
        ),
      ]
    : []),
  ...(trace.rule ? toLines(trace.rule, facts, { table, depth: 0 }) : []),
  ...(trace.factor ? [toLine(factorText, trace.factor, whyFactor(facts))] : []),
]

/** When, for people. */
export const at = (time: number | null): string => (time === null ? '' : ` at ${toTimestamp(time)}`)
