import { minute } from '../ground/clock.ts'
import type { RefusalCode } from '../ground/refusal.ts'
import type { builtInPermissions } from './permissions.ts'

/**
 * The permissions of an application, for the compiler: what is named here may stand in access rules.
 *
 *     const permissions = { 'reports:read': 'read reports' } as const
 *     declare module 'gatewright/access' {
 *       interface OwnPermissions extends Record<keyof typeof permissions, string> {}
 *     }
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications fill it
export interface OwnPermissions {}

/** The name of a permission: a built-in one, or one that the application has declared. */
export type Permission = keyof typeof builtInPermissions | keyof OwnPermissions

/** Permissions that can be asked for and gone through, and not changed. */
export type PermissionSet = Pick<ReadonlySet<Permission>, 'has' | typeof Symbol.iterator>

/**
 * Who may use a route. Rules are data: what decides, what `explain` shows and what the reference
 * prints is the same value.
 *
 *     anyOf(owner('post'), permission('posts:moderate'))
 */
export type AccessRule =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'permission'; readonly permission: Permission }
  | { readonly kind: 'owner'; readonly thing: string }
  | { readonly kind: 'visible'; readonly thing: string }
  | { readonly kind: 'recent-sign-in'; readonly within: number }
  | { readonly kind: 'any-of' | 'all-of'; readonly rules: readonly AccessRule[] }

/** Public: also for callers without a credential. */
export const everyone = (): AccessRule => ({ kind: 'everyone' })
/** Any signed-in principal of the kinds that the route names. */
export const signedIn = (): AccessRule => ({ kind: 'signed-in' })
export const permission = (name: Permission): AccessRule => ({ kind: 'permission', permission: name })
/** The user whose thing the route's `:id` names, as the thing is at that moment. */
export const owner = (thing: string): AccessRule => ({ kind: 'owner', thing })
/** Everybody, if the thing that the route's `:id` names is public. */
export const visible = (thing: string): AccessRule => ({ kind: 'visible', thing })
/** A proof of the person, by password or factor, at most that many milliseconds ago. */
export const recentSignIn = (within = 10 * minute): AccessRule => ({ kind: 'recent-sign-in', within })
export const anyOf = (...rules: readonly AccessRule[]): AccessRule => ({ kind: 'any-of', rules })
export const allOf = (...rules: readonly AccessRule[]): AccessRule => ({ kind: 'all-of', rules })

/** What a rule is decided on. */
export type Facts = {
  /** The clock, which few rules ask. */
  readonly now: () => number
  readonly principal: { readonly userId: string; readonly authTime: number } | undefined
  readonly permissions: PermissionSet
  /** What counts only once the session has shown a second factor. */
  readonly withheld?: PermissionSet
  /** The thing that the route's `:id` names; undefined if there is none. */
  readonly thing: Thing | undefined
}

/** An application's object as access rules see it. A thing that is not public is private to its owner. */
export type Thing = { readonly ownerId: string; readonly isPublic: boolean }

export type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly code: RefusalCode; readonly maxAge?: number }

const yes: Verdict = { allowed: true }
const no = (code: RefusalCode): Verdict => ({ allowed: false, code })

/** Of several refusals the one that says least about other people's things wins. */
const precedence: readonly RefusalCode[] = [
  'not_found',
  'invalid_token',
  'insufficient_user_authentication',
  'second_factor_required',
  'insufficient_permission',
]

const rank = (verdict: Verdict): number => (verdict.allowed ? -1 : precedence.indexOf(verdict.code))

const decideOwner = ({ principal, thing }: Facts): Verdict => {
  if (principal === undefined) return no('invalid_token')
  if (thing === undefined) return no('not_found')
  if (thing.ownerId === principal.userId) return yes
  return no(thing.isPublic ? 'insufficient_permission' : 'not_found')
}

/**
 * The verdict of a rule on the facts. Pure. A code of `invalid_token` means that nobody is signed in;
 * another's private thing is `not_found`, a known function not allowed is `insufficient_permission`.
 */
export const decide = (rule: AccessRule, facts: Facts): Verdict => {
  switch (rule.kind) {
    case 'everyone':
      return yes
    case 'signed-in':
      return facts.principal ? yes : no('invalid_token')
    case 'permission':
      if (facts.principal === undefined) return no('invalid_token')
      if (facts.permissions.has(rule.permission)) return yes
      return no(facts.withheld?.has(rule.permission) ? 'second_factor_required' : 'insufficient_permission')
    case 'owner':
      return decideOwner(facts)
    case 'visible':
      return facts.thing?.isPublic ? yes : no('not_found')
    case 'recent-sign-in':
      if (facts.principal === undefined) return no('invalid_token')
      if (facts.now() - facts.principal.authTime <= rule.within) return yes
      return { allowed: false, code: 'insufficient_user_authentication', maxAge: rule.within / 1_000 }
    case 'any-of': {
      const verdicts = rule.rules.map(part => decide(part, facts)).sort((a, b) => rank(a) - rank(b))
      return verdicts[0] ?? no('insufficient_permission')
    }
    case 'all-of':
      if (rule.rules.length === 0) return no('insufficient_permission')
      return rule.rules.map(part => decide(part, facts)).find(verdict => !verdict.allowed) ?? yes
  }
}

/** The rule as a sentence, for people. */
export const describeRule = (rule: AccessRule): string => {
  switch (rule.kind) {
    case 'everyone':
      return 'everyone'
    case 'signed-in':
      return 'signed in'
    case 'permission':
      return `permission ${rule.permission}`
    case 'owner':
      return `owner of the ${rule.thing}`
    case 'visible':
      return `the ${rule.thing} is public`
    case 'recent-sign-in':
      return `signed in within ${rule.within / minute} minutes`
    case 'any-of':
      return rule.rules.map(describeRule).join(' or ')
    case 'all-of':
      return rule.rules.map(describeRule).join(' and ')
  }
}

/** The permissions that a rule names. */
export const permissionsIn = (rule: AccessRule): readonly Permission[] => {
  if ('permission' in rule) return [rule.permission]
  return 'rules' in rule ? rule.rules.flatMap(permissionsIn) : []
}

/** The name of the thing that a rule asks about, if it asks about one. */
export const thingOf = (rule: AccessRule): string | undefined => {
  if ('thing' in rule) return rule.thing
  return 'rules' in rule ? rule.rules.map(thingOf).find(name => name !== undefined) : undefined
}
