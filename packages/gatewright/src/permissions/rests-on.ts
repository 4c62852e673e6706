import { type AccessRule, decide, type Facts, type Permission } from './access-rule.ts'
import { type Beyond, namedRole } from './reach.ts'

/**
 * What a yes rests on: the permissions that it took, and the roles that it asked for by name. Of parts any of which
 * would do, those of the first that does: whoever owns a post has used no permission to moderate.
 */
export const restsOn = (rule: AccessRule, facts: Facts): readonly (Permission | Beyond)[] => {
  switch (rule.kind) {
    case 'permission':
      return [rule.permission]
    case 'role':
      return [namedRole(rule.role)]
    case 'all-of':
      return rule.rules.flatMap(part => restsOn(part, facts))
    case 'any-of': {
      const first = rule.rules.find(part => decide(part, facts).allowed)
      return first === undefined ? [] : restsOn(first, facts)
    }
    default:
      return []
  }
}

/** Whether it is the same for all requests of a caller: no thing of the path, and no time, decides. */
export const isSettled = (rule: AccessRule): boolean =>
  rule.kind !== 'any-of' && 'rules' in rule ? rule.rules.every(isSettled) : !dependsOnRequest(rule)

const dependsOnRequest = (rule: AccessRule): boolean =>
  rule.kind === 'any-of' &&
  rule.rules.some(part => 'thing' in part || part.kind === 'recent-sign-in' || 'rules' in part)
