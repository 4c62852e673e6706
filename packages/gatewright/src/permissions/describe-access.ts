import { minute } from '../ground/clock.ts'
import type { AccessRule, PrincipalKind } from './access-rule.ts'
import { type Access, isPublic } from './decide-access.ts'

/** A rule inside another one, which would read as a part of it without a sign. */
const describePart = (rule: AccessRule): string =>
  'rules' in rule && rule.rules.length > 1 ? `(${describeRule(rule)})` : describeRule(rule)

/** The rule as a sentence, for people. */
export const describeRule = (rule: AccessRule): string => {
  switch (rule.kind) {
    case 'everyone':
      return 'everyone'
    case 'signed-in':
      return 'signed in'
    case 'permission':
      return `permission ${rule.permission}`
    case 'role':
      return `role ${rule.role}`
    case 'owner':
      return `owner of the ${rule.thing}`
    case 'visible':
      return `the ${rule.thing} is public`
    case 'recent-sign-in':
      return `signed in within ${rule.within / minute} minutes`
    case 'second-factor':
      return 'a second factor shown'
    case 'own-session':
      return "a user's own session"
    case 'any-of':
      return rule.rules.map(describePart).join(' or ') || 'nobody'
    case 'all-of':
      return rule.rules.map(describePart).join(' and ') || 'nobody'
  }
}

const kindNames = {
  user: 'users',
  'api-key': 'API keys',
  client: 'OAuth clients',
} as const satisfies Record<PrincipalKind, string>

const join = (names: readonly string[]): string => {
  const last = names.at(-1) ?? 'nobody'
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${last}` : last
}

/** The kinds of principal, for people: `users and API keys`. */
export const describeKinds = (kinds: readonly PrincipalKind[]): string =>
  join(kinds.map(kind => kindNames[kind]))

/**
 * Who may use a route, as a sentence: the kinds of principal, where they are more or others than a user's own
 * session, and the rule. Whatever shows a rule shows this.
 *
 *     by users and API keys: owner of the post or permission posts:moderate
 */
export const describeAccess = ({ access, principals }: Access): string => {
  const rule = describeRule(access)
  if (principals === undefined || (principals.length === 1 && principals[0] === 'user')) return rule
  const kinds = principals.map(kind => kindNames[kind])
  return `by ${join(isPublic(access) ? [...kinds, 'callers without a credential'] : kinds)}: ${rule}`
}
