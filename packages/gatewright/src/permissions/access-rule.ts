import { minute } from '../ground/clock.ts'
import type { RefusalCode } from '../ground/refusal.ts'
import { multiFactor } from './multi-factor.ts'
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
  | { readonly kind: 'role'; readonly role: string }
  | { readonly kind: 'owner'; readonly thing: string }
  | { readonly kind: 'visible'; readonly thing: string }
  | { readonly kind: 'recent-sign-in'; readonly within: number }
  | { readonly kind: 'second-factor' }
  | { readonly kind: 'own-session' }
  | { readonly kind: 'any-of' | 'all-of'; readonly rules: readonly AccessRule[] }

/** Public: also for callers without a credential. */
export const everyone = (): AccessRule => ({ kind: 'everyone' })
/** Any signed-in principal of the kinds that the route names. */
export const signedIn = (): AccessRule => ({ kind: 'signed-in' })
export const permission = (name: Permission): AccessRule => ({ kind: 'permission', permission: name })
/**
 * A user who has this role, which stands in code: one that was made at run time may be deleted there. API keys and
 * clients have permissions and no roles, so it never lets one in. Prefer a permission: which role gives it can be
 * changed without the route.
 */
export const role = (name: string): AccessRule => ({ kind: 'role', role: name })
/** The user whose thing the route's `:id` names, as the thing is at that moment. */
export const owner = (thing: string): AccessRule => ({ kind: 'owner', thing })
/** Everybody, if the thing that the route's `:id` names is public. */
export const visible = (thing: string): AccessRule => ({ kind: 'visible', thing })
/** How old a recent sign-in may be where a rule does not say it. */
export const recentFor = 10 * minute
/** A proof of the person, by password or factor, at most that many milliseconds ago. */
export const recentSignIn = (within = recentFor): AccessRule => ({ kind: 'recent-sign-in', within })
/** A session that has shown a second factor, at its sign-in or since, however long ago. */
export const secondFactor = (): AccessRule => ({ kind: 'second-factor' })
/**
 * A session of the user's own. API keys and clients are none: beside it a rule says what they need.
 *
 *     allOf(owner('todo'), anyOf(ownSession(), permission('todos:write')))
 */
export const ownSession = (): AccessRule => ({ kind: 'own-session' })
export const anyOf = (...rules: readonly AccessRule[]): AccessRule => ({ kind: 'any-of', rules })
export const allOf = (...rules: readonly AccessRule[]): AccessRule => ({ kind: 'all-of', rules })

/** The kinds of principal that a route may name. */
export type PrincipalKind = 'user' | 'api-key' | 'client'

/** What a rule is decided on. */
export type Facts = {
  /** The clock, which few rules ask. */
  readonly now: () => number
  readonly principal:
    | {
        readonly kind: PrincipalKind
        readonly userId: string
        readonly authTime: number
        readonly amr: readonly string[]
        readonly roles: readonly string[]
      }
    | undefined
  readonly permissions: PermissionSet
  /** What counts only once the session has shown a second factor. */
  readonly withheld: PermissionSet
  /** The roles that hold an administrative permission: they count no sooner than it does. */
  readonly administrative: Pick<ReadonlySet<string>, 'has'>
  /** The thing that the route's `:id` names; undefined if there is none. */
  readonly thing: Thing | undefined
}

/** An application's object as access rules see it. A thing that is not public is private to its owner. */
export type Thing = { readonly ownerId: string; readonly isPublic: boolean }

export type Verdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false
      readonly code: RefusalCode
      readonly maxAge?: number
      /** A stable id of the exact reason, where the code alone does not say it. */
      readonly reason?: string
    }

/** One part of a rule as it was decided, with what it is made of. */
export type TracePart = {
  readonly rule: AccessRule
  readonly verdict: Verdict
  readonly parts: readonly TracePart[]
}

const yes: Verdict = { allowed: true }

/** Of several refusals the one that says least about other people's things wins. */
const precedence = [
  'not_found',
  'invalid_token',
  'insufficient_user_authentication',
  'second_factor_required',
  'insufficient_permission',
] as const satisfies readonly RefusalCode[]

type Code = (typeof precedence)[number]

/** Made once: whoever is refused costs no more than whoever is let in. */
const refused = Object.fromEntries(
  precedence.map(code => [code, Object.freeze({ allowed: false, code })]),
) as Readonly<Record<Code, Verdict>>

const no = (code: Code): Verdict => refused[code]

/** Answered like nothing at all: the audit record alone knows that it is there, and somebody else's. */
const hidden: Verdict = Object.freeze({ allowed: false, code: 'not_found', reason: 'hidden' })

const rank = (verdict: Verdict): number =>
  verdict.allowed ? -1 : (precedence as readonly RefusalCode[]).indexOf(verdict.code)

type Principal = NonNullable<Facts['principal']>
type Signed = Facts & { readonly principal: Principal }

const decideOwner = ({ principal, thing }: Signed): Verdict => {
  if (thing === undefined) return no('not_found')
  if (thing.ownerId === principal.userId) return yes
  return thing.isPublic ? no('insufficient_permission') : hidden
}

const decideVisible = ({ thing }: Facts): Verdict => {
  if (thing === undefined) return no('not_found')
  return thing.isPublic ? yes : hidden
}

const decidePermission = (name: Permission, { permissions, withheld }: Signed): Verdict => {
  if (permissions.has(name)) return yes
  return no(withheld.has(name) ? 'second_factor_required' : 'insufficient_permission')
}

const isEmpty = (permissions: PermissionSet): boolean => permissions[Symbol.iterator]().next().done === true

const decideRole = (name: string, { principal, withheld, administrative }: Signed): Verdict => {
  if (principal.kind !== 'user' || !principal.roles.includes(name)) return no('insufficient_permission')
  return administrative.has(name) && !isEmpty(withheld) ? no('second_factor_required') : yes
}

/** Who holds a key has shown no person: no key is ever fresh, and none can become it. */
const decideRecentSignIn = (within: number, { principal, now }: Signed): Verdict => {
  if (principal.kind === 'api-key') return no('insufficient_permission')
  if (now() - principal.authTime <= within) return yes
  return { allowed: false, code: 'insufficient_user_authentication', maxAge: within / 1_000 }
}

const decideSecondFactor = ({ principal }: Signed): Verdict => {
  if (principal.kind === 'api-key') return no('insufficient_permission')
  return principal.amr.includes(multiFactor) ? yes : no('second_factor_required')
}

const isSigned = (facts: Facts): facts is Signed => facts.principal !== undefined

/** The best of the verdicts. Where nobody wants to see the rest, the first yes is the last word. */
const decideAny = (rules: readonly AccessRule[], facts: Facts, parts?: TracePart[]): Verdict => {
  let best: Verdict | undefined
  for (const part of rules) {
    const verdict = decide(part, facts, parts)
    if (best === undefined || rank(verdict) < rank(best)) best = verdict
    if (best.allowed && parts === undefined) break
  }
  return best ?? no('insufficient_permission')
}

/** The first refusal, in the order written. */
const decideAll = (rules: readonly AccessRule[], facts: Facts, parts?: TracePart[]): Verdict => {
  let first: Verdict | undefined
  for (const part of rules) {
    const verdict = decide(part, facts, parts)
    if (first === undefined || first.allowed) first = verdict
    if (!first.allowed && parts === undefined) break
  }
  return first ?? no('insufficient_permission')
}

const decidePart = (rule: AccessRule, facts: Facts, parts?: TracePart[]): Verdict => {
  if (rule.kind === 'everyone') return yes
  if (rule.kind === 'visible') return decideVisible(facts)
  if (rule.kind === 'any-of') return decideAny(rule.rules, facts, parts)
  if (rule.kind === 'all-of') return decideAll(rule.rules, facts, parts)
  if (!isSigned(facts)) return no('invalid_token')
  switch (rule.kind) {
    case 'signed-in':
      return yes
    case 'permission':
      return decidePermission(rule.permission, facts)
    case 'role':
      return decideRole(rule.role, facts)
    case 'owner':
      return decideOwner(facts)
    case 'recent-sign-in':
      return decideRecentSignIn(rule.within, facts)
    case 'second-factor':
      return decideSecondFactor(facts)
    case 'own-session':
      return facts.principal.kind === 'user' ? yes : no('insufficient_permission')
  }
}

/**
 * The verdict of a rule on the facts. Pure. A code of `invalid_token` means that nobody is signed in;
 * another's private thing is `not_found`, a known function not allowed is `insufficient_permission`.
 * @param trace is given every part of the rule as it was decided; the verdict is the same with it
 */
export const decide = (rule: AccessRule, facts: Facts, trace?: TracePart[]): Verdict => {
  const parts: TracePart[] | undefined = trace && []
  const verdict = decidePart(rule, facts, parts)
  if (parts !== undefined) trace?.push({ rule, verdict, parts })
  return verdict
}

/** The permissions that a rule names. */
export const permissionsIn = (rule: AccessRule): readonly Permission[] => {
  if ('permission' in rule) return [rule.permission]
  return 'rules' in rule ? rule.rules.flatMap(permissionsIn) : []
}

/** The roles that a rule names. */
export const rolesIn = (rule: AccessRule): readonly string[] => {
  if ('role' in rule) return [rule.role]
  return 'rules' in rule ? rule.rules.flatMap(rolesIn) : []
}

/** Whether the rule asks for a recent sign-in anywhere. */
export const asksForRecentSignIn = (rule: AccessRule): boolean =>
  rule.kind === 'recent-sign-in' || ('rules' in rule && rule.rules.some(asksForRecentSignIn))

/** The names of the things that a rule asks about. */
export const thingsIn = (rule: AccessRule): readonly string[] => {
  if ('thing' in rule) return [rule.thing]
  return 'rules' in rule ? [...new Set(rule.rules.flatMap(thingsIn))] : []
}

/** The name of the thing that a rule asks about, if it asks about one: of several the start is refused. */
export const thingOf = (rule: AccessRule): string | undefined => thingsIn(rule)[0]
