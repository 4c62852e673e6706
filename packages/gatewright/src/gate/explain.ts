import { type Origin, recordEvent } from '../audit/record.ts'
import { Refusal, type RefusalCode } from '../ground/refusal.ts'
import type { Permission, PrincipalKind, Verdict } from '../permissions/access-rule.ts'
import { permission, signedIn } from '../permissions/access-rule.ts'
import { describeAccess, describeRule } from '../permissions/describe-access.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import { hasSecondFactor } from '../sign-in/factors.ts'
import { inTransaction } from '../storage/transaction.ts'
import { findServiceByName } from '../users/services.ts'
import { findUser, findUserByName, getUser, type User } from '../users/users.ts'
import { type ExplainedAccess, explainAccess } from './check-access.ts'
import { type JudgedCredential, judgeCredential, toCredential } from './explain-credential.ts'
import { at, type ExplainedPart, toExplainedParts, toLine } from './explain-text.ts'
import { ensureCurrent, type GateDependencies } from './gate.ts'
import type { GateRule } from './passage.ts'
import { type Principal, toUserPrincipal } from './principal.ts'
import { refuseSwitchedOff } from './switched-off.ts'

/** A route of this installation, and what its path names. */
export type AskedRoute = {
  /** Method and pattern. */
  readonly name: string
  readonly rule: GateRule
  readonly thingId: string | undefined
}

export type Question = {
  /**
   * Who: a user by name, as if signed in just now with all factors; whoever holds a credential; or nobody, who
   * shows none.
   */
  readonly user?: string | undefined
  readonly token?: string | undefined
  /** Where an API key is shown from; without a word its addresses are not asked. */
  readonly address?: string | undefined
  /** What: without a word, whether the credential is good. `no route`: the path is none of this installation. */
  readonly permission?: string | undefined
  readonly route?: AskedRoute | 'no route' | undefined
}

export type Explanation = {
  readonly allowed: boolean
  /** What the gate would answer. */
  readonly code: string | null
  readonly reason: string | null
  /** What was asked, and the rule that answers it. */
  readonly asked: string
  readonly rule: string | null
  readonly parts: readonly ExplainedPart[]
  /** What a part of the input asks for besides, where the route says so: it refuses only who sends that part. */
  readonly further: { readonly rule: string; readonly allowed: boolean; readonly code: string | null } | null
  /** As whom the caller stands there; undefined where nobody does. */
  readonly principal: (Principal & { readonly username: string | null }) | undefined
  readonly credential: JudgedCredential | undefined
}

const everyKind: readonly PrincipalKind[] = ['user', 'api-key', 'client']

/** @throws Refusal `validation_failed` for a permission that there is not: a "no" would hide a misspelling */
const toRule = (
  { roleTable }: Pick<GateDependencies, 'roleTable'>,
  { permission: name, route }: Question,
): Pick<AskedRoute, 'name' | 'rule' | 'thingId'> => {
  if (route !== undefined && route !== 'no route') return route
  if (name !== undefined && !roleTable.permissions.has(name))
    throw new Refusal('validation_failed', {
      errors: [
        {
          path: '/permission',
          message: `there is no such permission: write one of ${[...roleTable.permissions.keys()].join(', ')}`,
        },
      ],
    })
  const access = name === undefined ? signedIn() : permission(name as Permission)
  const rule = { access, principals: everyKind, limit: 'read', audit: 'none' } as const
  return { name: name === undefined ? 'the credential' : `permission ${name}`, rule, thingId: undefined }
}

/** Who asks, and what is against it before any rule. */
type Caller = {
  readonly principal: Principal | undefined
  readonly user: User | undefined
  readonly credential: JudgedCredential | undefined
  readonly standing: ExplainedPart | undefined
}

const nobody: Caller = { principal: undefined, user: undefined, credential: undefined, standing: undefined }

/**
 * A user as if signed in at this moment, with a second factor where one is asked for at a sign-in. A service has
 * no sessions: what it may is what a key of it may at most.
 */
const toPrincipalOf = async (gate: GateDependencies, user: User): Promise<Principal> => {
  const amr = (await hasSecondFactor(gate.db, user.id)) ? ['pwd', multiFactor] : ['pwd']
  const session = { userId: user.id, sessionId: '', authTime: gate.clock.now(), amr }
  if (user.kind === 'user') return toUserPrincipal(gate, session, user.roles)
  const granting = { roleTable: gate.roleTable, asksAdministrators: () => false }
  return { ...toUserPrincipal(granting, { ...session, amr: [] }, user.roles), kind: 'api-key' }
}

/** Why no session of the user is let in, whatever it is about. */
const standingOf = ({ disabledAt, passwordChangeDue }: User): ExplainedPart | undefined => {
  const refuse = (text: string, code: RefusalCode, why: string) => toLine(text, { allowed: false, code }, why)
  if (disabledAt !== null)
    return refuse('the user is not disabled', 'session_ended', `disabled${at(disabledAt)}`)
  if (!passwordChangeDue) return undefined
  return refuse('no new password is due', 'password_change_required', 'every sign-in asks for one first')
}

/** @throws Refusal `not_found` */
const findNamed = async (gate: GateDependencies, name: string): Promise<Caller> => {
  const row = (await findUserByName(gate.db, name)) ?? (await findServiceByName(gate.db, name))
  if (row === undefined)
    throw new Refusal('not_found', { detail: `There is no user or service ${JSON.stringify(name)}.` })
  const user = await getUser(gate.db, row.id)
  return { ...nobody, user, principal: await toPrincipalOf(gate, user), standing: standingOf(user) }
}

/** Quoted: what stands there was chosen elsewhere. */
const ofAnother = ({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string =>
  `issued by ${issuer} for the subject ${JSON.stringify(subject)}`

/** Whose it is where that was not said by us, and what is wrong with it; null where there is nothing to tell. */
const whyJudged = ({ fault, owner }: JudgedCredential): string | null =>
  [
    fault?.reason ?? fault?.code,
    fault === undefined || owner?.endedAt == null
      ? undefined
      : `ended${at(owner.endedAt)}: ${owner.endReason ?? 'ended'}`,
    owner?.endStory ?? undefined,
    owner?.foreign == null ? undefined : ofAnother(owner.foreign),
  ]
    .filter(each => each !== undefined)
    .join('; ') || null

const kindWords: Readonly<Record<JudgedCredential['kind'], string>> = {
  'refresh-token': 'refresh token',
  'session-cookie': 'session cookie',
  'api-key': 'API key',
  'access-token': 'access token',
}

const findHolder = async (
  gate: GateDependencies,
  pasted: { readonly text: string; readonly address: string | undefined },
): Promise<Caller> => {
  const credential = await judgeCredential(gate, pasted)
  const { principal, fault, owner, kind } = credential
  const standing = toLine(
    `the ${kindWords[kind]} is good`,
    { allowed: fault === undefined, ...fault },
    whyJudged(credential),
  )
  const user = owner && (await findUser(gate.db, owner.userId))
  return { principal, user, credential, standing }
}

/** A route that judges credentials by itself, or takes no cookie, sees nobody there. */
const seenBy = ({ ignoresCookie, readsOwnCredential }: GateRule, caller: Caller): Caller => {
  const isCookie = caller.credential?.kind === 'session-cookie'
  return readsOwnCredential || (ignoresCookie && isCookie)
    ? { ...nobody, credential: caller.credential }
    : caller
}

const switchedOff = (
  { places }: GateDependencies,
  rule: GateRule,
  { token }: Question,
): ExplainedPart | undefined => {
  try {
    refuseSwitchedOff(places, { rule, credential: token === undefined ? undefined : toCredential(token) })
    return undefined
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return toLine(
      'this server takes and gives it',
      { allowed: false, code: error.code },
      error.details.reason ?? null,
    )
  }
}

const toNoRoute = (): Explanation => ({
  allowed: false,
  code: 'not_found',
  reason: 'no_route',
  asked: 'a path of no route',
  rule: null,
  parts: [
    toLine(
      'there is such a route',
      { allowed: false, code: 'not_found' },
      'no route has this method and path',
    ),
  ],
  further: null,
  principal: undefined,
  credential: undefined,
})

const toPrincipalView = ({ principal, user }: Caller): Explanation['principal'] =>
  principal && { ...principal, username: user?.username ?? null }

const toFurther = ({ furtherAccess }: GateRule, { further }: ExplainedAccess): Explanation['further'] =>
  furtherAccess === undefined || further === undefined
    ? null
    : {
        rule: describeRule(furtherAccess),
        allowed: further.allowed,
        code: further.allowed ? null : further.code,
      }

const reasonOf = (verdict: Verdict): string | null => (verdict.allowed ? null : (verdict.reason ?? null))

const answer = async (
  gate: GateDependencies,
  question: Question,
): Promise<Explanation & { userId?: string }> => {
  await ensureCurrent(gate)
  const found =
    question.token !== undefined
      ? await findHolder(gate, { text: question.token, address: question.address })
      : question.user !== undefined
        ? await findNamed(gate, question.user)
        : nobody
  if (question.route === 'no route') return toNoRoute()
  const { name, rule, thingId } = toRule(gate, question)
  const caller = seenBy(rule, found)
  const against =
    switchedOff(gate, rule, question) ?? (caller.standing?.held === false ? caller.standing : undefined)
  const explained = await explainAccess(gate, { rule, thingId, principal: caller.principal })
  const { verdict } = explained
  const isCallerKnown = caller.principal !== undefined || against === undefined
  return {
    allowed: against === undefined && verdict.allowed,
    code: against?.code ?? (verdict.allowed ? null : verdict.code),
    reason: against === undefined ? reasonOf(verdict) : (caller.credential?.fault?.reason ?? against.why),
    asked: name,
    rule: describeAccess(rule),
    parts: [
      ...((against ?? caller.standing) ? [(against ?? caller.standing) as ExplainedPart] : []),
      ...(isCallerKnown ? toExplainedParts(rule, explained, gate.roleTable) : []),
    ],
    further: toFurther(rule, explained),
    principal: toPrincipalView(caller),
    credential: found.credential,
    ...(found.user && { userId: found.user.id }),
  }
}

/**
 * Whether somebody may do something, and why: the decision of the gate itself, with its trace. What the gate asks
 * beside it, limits and the cross-site check, belongs to one request and is not asked. Changes nothing, and
 * writes one audit event, without what was pasted.
 * @throws Refusal `not_found` for a user, `validation_failed` for a permission that there is not
 *
 *     await explain(gate, { user: 'bob', permission: 'posts:moderate' }, commandLineOrigin)
 */
export const explain = async (
  gate: GateDependencies,
  question: Question,
  origin: Origin,
): Promise<Explanation> => {
  const { userId, ...explanation } = await answer(gate, question)
  const { asked, allowed, code, credential } = explanation
  const details = { asked, allowed, code, credential: credential?.kind ?? null }
  await inTransaction(gate.db, work =>
    recordEvent(gate, work, 'access.explained', { origin, details, ...(userId && { userId }) }),
  )
  return explanation
}
