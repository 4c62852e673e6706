import {
  type AccessRule,
  asksForRecentSignIn,
  decide,
  type Facts,
  type PrincipalKind,
  recentFor,
  type TracePart,
  type Verdict,
} from './access-rule.ts'

/** Who may use a route: a rule, and the kinds of principal that it is for. */
export type Access = {
  readonly access: AccessRule
  /** Without a word, only the user's own session. */
  readonly principals?: readonly PrincipalKind[] | undefined
}

export type AccessFacts = Facts & {
  /** The user has a second factor that the session has not shown; undefined where nobody has looked. */
  readonly isFactorDue: boolean | undefined
}

/** What is asked beside the rule, one after the other. */
export type AccessTrace = {
  kinds?: Verdict
  rule?: TracePart | undefined
  /** Only where the rule asks for a recent sign-in. */
  factor?: Verdict
}

const yes: Verdict = { allowed: true }
const wrongKind: Verdict = { allowed: false, code: 'insufficient_permission', reason: 'kind_of_principal' }
const factorDue: Verdict = {
  allowed: false,
  code: 'insufficient_user_authentication',
  reason: 'factor_not_shown',
  maxAge: recentFor / 1_000,
}

const onlyUsers: readonly PrincipalKind[] = ['user']

/** Whether the route is for callers of this kind; one without a credential has none. */
export const isForKind = (
  { principals = onlyUsers }: Access,
  { principal }: Pick<Facts, 'principal'>,
): boolean => principal === undefined || principals.includes(principal.kind)

/**
 * A session that has shown no second factor is not fresh for a user who has one: it may be a thief's, who knows
 * the password and was there before the factor.
 */
const decideFactor = (rule: AccessRule, { isFactorDue }: AccessFacts): Verdict =>
  isFactorDue && asksForRecentSignIn(rule) ? factorDue : yes

/** The rule alone, for a caller of a kind that was let in: what a part of the input asks for besides. */
export const decideFurther = (rule: AccessRule, facts: AccessFacts, trace?: AccessTrace): Verdict => {
  const parts: TracePart[] | undefined = trace && []
  const verdict = decide(rule, facts, parts)
  const factor = decideFactor(rule, facts)
  if (trace !== undefined) {
    trace.rule = parts?.[0]
    if (asksForRecentSignIn(rule)) trace.factor = factor
  }
  return verdict.allowed ? factor : verdict
}

/**
 * Whether a caller may use a route: the gate's decision, and that of `explain`. Pure. The first refusal counts:
 * of the kind of principal, of the rule, of the factor that is due. So what the factor says need not be known
 * where the rest refuses: looking it up never turns a no into another one.
 * @param trace is given all that was asked, also past the first refusal; the verdict is the same with it
 */
export const decideAccess = (access: Access, facts: AccessFacts, trace?: AccessTrace): Verdict => {
  const kind = isForKind(access, facts) ? yes : wrongKind
  if (trace === undefined) return kind.allowed ? decideFurther(access.access, facts) : kind
  trace.kinds = kind
  const verdict = decideFurther(access.access, facts, trace)
  return kind.allowed ? verdict : kind
}

const nobody: AccessFacts = {
  now: () => 0,
  principal: undefined,
  permissions: new Set<never>(),
  withheld: new Set<never>(),
  administrative: new Set<never>(),
  thing: { ownerId: '', isPublic: true },
  isFactorDue: undefined,
}

/** Whether it may let in a caller whom no credential stands for, at least to what is public. */
export const isPublic = (rule: AccessRule): boolean => decideFurther(rule, nobody).allowed
