import type { Clock } from '../ground/clock.ts'
import { Refusal, type RefusalCode } from '../ground/refusal.ts'
import {
  type AccessRule,
  asksForRecentSignIn,
  decide,
  type Thing,
  type TracePart,
  thingOf,
  type Verdict,
} from '../permissions/access-rule.ts'
import {
  type AccessFacts,
  type AccessTrace,
  decideAccess,
  decideFurther,
  isForKind,
} from '../permissions/decide-access.ts'
import { describeRule } from '../permissions/describe-access.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import type { RoleTable } from '../permissions/roles.ts'
import { lacksFactor } from '../sign-in/own-factors.ts'
import type { Database } from '../storage/tables.ts'
import { noteFurtherUse, noteUse, type UseDependencies } from './note-use.ts'
import type { GateRule, Passage } from './passage.ts'

/** Finds an application's object by its id, as it is now. */
export type FindThing = (db: Database, id: string) => Promise<Thing | undefined>

export type AccessDependencies = UseDependencies & {
  readonly db: Database
  readonly clock: Pick<Clock, 'now'>
  readonly roleTable: Pick<RoleTable, 'administrative'>
  /** By the names that access rules use. */
  readonly things: ReadonlyMap<string, FindThing>
}

/** A caller at a route, with what the path names. */
export type Asked = Pick<Passage, 'rule' | 'principal' | 'thingId'>

/** What a refusal rests on: the first of all that must hold, and of a choice the whole choice. */
const findLacking = ({ rule, verdict, parts }: TracePart): AccessRule => {
  const part = rule.kind === 'all-of' && !verdict.allowed && parts.find(each => !each.verdict.allowed)
  return part ? findLacking(part) : rule
}

/** Only the refused are asked a second time, with the trace. */
const lackingIn = (rule: AccessRule, facts: AccessFacts): string => {
  const trace: TracePart[] = []
  decide(rule, facts, trace)
  return trace[0] === undefined ? '' : describeRule(findLacking(trace[0]))
}

/** Of these it is recorded what was lacking. */
const namesLacking = ({ code, reason }: { readonly code: RefusalCode; readonly reason?: string }): boolean =>
  reason === undefined
    ? ['insufficient_permission', 'second_factor_required'].includes(code)
    : reason === 'hidden'

const refuseUnless = (verdict: Verdict, rule: AccessRule, facts: AccessFacts): void => {
  if (verdict.allowed) return
  const { code, maxAge, reason } = verdict
  throw new Refusal(code, {
    ...(reason !== undefined && { reason }),
    ...(code === 'invalid_token' && {
      reason: 'no_credential',
      detail: 'Sign in first, and send the access token.',
    }),
    ...(maxAge !== undefined && { maxAge }),
    ...(namesLacking(verdict) && { lacks: lackingIn(rule, facts) }),
  })
}

const none: ReadonlySet<never> = new Set()

type Judged = Pick<Passage, 'principal' | 'isFactorDue'> & { readonly thing?: Thing | undefined }

/** What is known of a caller when it is decided whether it may. Roles are as they are at this moment. */
const toFacts = (
  { clock, roleTable }: Pick<AccessDependencies, 'clock' | 'roleTable'>,
  { principal, isFactorDue, thing }: Judged,
): AccessFacts => ({
  now: clock.now,
  principal,
  permissions: principal?.permissions ?? none,
  withheld: principal?.withheld ?? none,
  administrative: roleTable.administrative,
  thing,
  isFactorDue,
})

/** What else stands in a path names nothing, and is never asked of a database. */
const isPlainId = /^[\w.~-]{1,100}$/

/**
 * Holds a caller to a rule that only a part of the input asks for. Throws the refusal that its verdict says.
 * @throws TypeError where the route did not declare a recent sign-in that is asked for: the gate has not looked then
 */
export const checkFurtherRule = (
  gate: UseDependencies & Pick<AccessDependencies, 'clock' | 'roleTable'>,
  rule: AccessRule,
  { principal, isFactorDue, rolesBehind }: Pick<Passage, 'principal' | 'isFactorDue' | 'rolesBehind'>,
): void => {
  if (isFactorDue === undefined && asksForRecentSignIn(rule))
    throw new TypeError('the route must say `furtherAccess: recentSignIn()` to the gate')
  const facts = toFacts(gate, { principal, isFactorDue })
  refuseUnless(decideFurther(rule, facts), rule, facts)
  noteFurtherUse(gate, rule, { principal, rolesBehind }, facts)
}

const asksForFactor = ({ access, furtherAccess }: GateRule): boolean =>
  asksForRecentSignIn(access) || (furtherAccess !== undefined && asksForRecentSignIn(furtherAccess))

/** Few routes ask whether a second factor is due, and only sessions that have shown none cost a query. */
const findFactorDue = (
  { db }: Pick<AccessDependencies, 'db'>,
  { rule, principal }: Pick<Asked, 'rule' | 'principal'>,
): boolean | undefined | Promise<boolean> => {
  if (!asksForFactor(rule)) return undefined
  if (principal?.kind !== 'user' || principal.amr.includes(multiFactor)) return false
  return lacksFactor(db, principal)
}

/** What costs a query is asked last, of those alone whom the rest lets in. */
const decideOn = (gate: AccessDependencies, passage: Passage, thing?: Thing): void | Promise<void> => {
  const { rule, principal } = passage
  const known = toFacts(gate, { principal, isFactorDue: undefined, thing })
  refuseUnless(decideAccess(rule, known), rule.access, known)
  const found = findFactorDue(gate, passage)
  if (!(found instanceof Promise)) {
    passage.isFactorDue = found
    noteUse(gate, passage, known)
    return
  }
  return found.then(isFactorDue => {
    passage.isFactorDue = isFactorDue
    const facts = { ...known, isFactorDue }
    refuseUnless(decideAccess(rule, facts), rule.access, facts)
    noteUse(gate, passage, facts)
  })
}

/** The thing that the rule asks about, if the path can name one; nothing is looked up for a caller of no kind named. */
const findThing = (
  { db, things }: AccessDependencies,
  { rule, principal, thingId }: Asked,
): Promise<Thing | undefined> | undefined => {
  const name = thingOf(rule.access)
  if (name === undefined || !isForKind(rule, { principal })) return undefined
  const find = things.get(name)
  if (find === undefined) throw new Refusal('insufficient_permission', { reason: 'no_such_thing' })
  return thingId === undefined || !isPlainId.test(thingId) ? undefined : find(db, thingId)
}

/**
 * The step "may they" of the gate. Finds what the rule asks about, and decides.
 * @throws Refusal that the verdict says
 */
export const checkAccess = (gate: AccessDependencies, passage: Passage): void | Promise<void> => {
  const finding = findThing(gate, passage)
  return finding === undefined
    ? decideOn(gate, passage)
    : finding.then(thing => decideOn(gate, passage, thing))
}

/** How it was decided whether a caller may use a route: the verdict, each part of it, and what it rests on. */
export type ExplainedAccess = {
  readonly verdict: Verdict
  readonly trace: AccessTrace
  readonly facts: AccessFacts
  /** Of what a part of the input asks for besides; undefined where the route names none. */
  readonly further: Verdict | undefined
}

/** What {@link checkAccess} decides, by the same function on the same facts, with its trace kept. Refuses nobody. */
export const explainAccess = async (gate: AccessDependencies, asked: Asked): Promise<ExplainedAccess> => {
  const { rule, principal } = asked
  const thing = await findThing(gate, asked)
  const isFactorDue = await findFactorDue(gate, asked)
  const facts = toFacts(gate, { principal, isFactorDue, thing })
  const trace: AccessTrace = {}
  const further = rule.furtherAccess && decideFurther(rule.furtherAccess, facts)
  return { verdict: decideAccess(rule, facts, trace), trace, facts, further }
}
