import type { KeyOwner } from '../api-keys/known-keys.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { LimitKeys } from '../limits/counter-keys.ts'
import type { LimitReport } from '../limits/limit-report.ts'
import type { Limiter } from '../limits/limiter.ts'
import { nameOf, type RouteLimit } from '../limits/own-limit.ts'
import type { AccessRule } from '../permissions/access-rule.ts'
import type { KnownDevice } from '../sessions/known-devices.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import type { ShownApiKey } from '../tokens/api-key.ts'
import type { DeviceSecret } from '../tokens/device-secret.ts'
import type { ForeignToken } from '../tokens/foreign-token.ts'
import type { SessionSecret } from '../tokens/session-secret.ts'
import type { Credential } from './credential.ts'
import type { Principal, PrincipalKind } from './principal.ts'

/** What a route declares to the gate. */
export type GateRule = {
  readonly access: AccessRule
  /** What a part of the input asks for besides, where the handler holds the caller to it (`requireAccess`). */
  readonly furtherAccess?: AccessRule
  /** The kinds of principal that it is for; without a word, only the user's own session. */
  readonly principals?: readonly PrincipalKind[]
  /** One of the table's by its name, or one of the route's own (`{ name, rows }`). */
  readonly limit: RouteLimit
  /** The audit events that it may write; `none` must be written out. */
  readonly audit: readonly string[] | 'none'
  /** The route judges the credential by itself (refresh and logout); the gate then judges none. */
  readonly readsOwnCredential?: true
  /**
   * What the route gives a caller that has none: refused where this server does not take it. For a cookie it
   * must be asked from this site. `either`: what the first half of a sign-in asked for, so held to both.
   */
  readonly gives?: 'bearer' | 'cookie' | 'either'
  /**
   * The route asks for a proof of its own (a password, a link): a session cookie signs nobody in, so an
   * old one keeps nobody out and no CSRF token is asked for. Where the request comes from is checked.
   */
  readonly ignoresCookie?: true
  /** The route signs in: a browser that the user named has signed in with before is counted by itself. */
  readonly knowsDevices?: true
}

/** One request on its way through the gate. */
export type Passage = {
  readonly rule: GateRule
  readonly requestId: string
  /** The original one, behind a proxy. */
  readonly method: string
  readonly peer: string | undefined
  /** Names and values in turn, as they arrived. */
  readonly rawHeaders: readonly string[]
  /** The `:id` of the URL. */
  readonly thingId: string | undefined
  /** What the body names a user by, right or wrong. */
  submittedName: string | undefined
  /** The secret of the cookie by which the browser may be known, whole in form; only where the route asks. */
  deviceSecret: DeviceSecret | undefined
  /** The browser is one of the user named in the body. */
  knownDevice: KnownDevice | undefined
  address: string
  credential: Credential | undefined
  token: AccessToken | undefined
  /** The token of another issuer, in place of one of ours. */
  foreign: ForeignToken | undefined
  /** The secret of the session cookie, whole in form; it is not judged where the route does not want it. */
  cookie: SessionSecret | undefined
  /** The API key that was shown, whole in form. */
  apiKey: ShownApiKey | undefined
  /** Whose key it is, let in or not: for the log. */
  apiKeyOwner: KeyOwner | undefined
  /** The cookie was dead when it arrived: it is taken from the browser, which it would keep from public pages. */
  hasDeadCookie: boolean
  /** Hash of the credential, where it had to be judged by a signature or a query: it was not known here. */
  unknownCredential: string | undefined
  /** The session that the credential names, let in or not: for the log. */
  session: { readonly userId: string; readonly sessionId: string } | undefined
  /** The request has waited for its turn since it was judged. */
  hasWaited: boolean
  principal: Principal | undefined
  /** Of whoever it acts for that has no roles itself: what a key may do follows its owner's. */
  rolesBehind: readonly string[] | undefined
  /** The user has a second factor that the session has not shown; undefined where the route does not ask. */
  isFactorDue: boolean | undefined
  /** Nothing more is to come, and nothing was waited for: the judgement of the head is the last word. */
  isJudged: boolean
  /** What the limits said, for the headers of the answer. */
  reports: readonly LimitReport[]
}

type Arrived = Pick<Passage, 'rule' | 'requestId' | 'method' | 'peer' | 'rawHeaders' | 'thingId'>

export const newPassage = ({ rule, requestId, method, peer, rawHeaders, thingId }: Arrived): Passage => ({
  rule,
  requestId,
  method,
  peer,
  rawHeaders,
  thingId,
  address: '',
  credential: undefined,
  token: undefined,
  foreign: undefined,
  cookie: undefined,
  apiKey: undefined,
  apiKeyOwner: undefined,
  hasDeadCookie: false,
  unknownCredential: undefined,
  session: undefined,
  hasWaited: false,
  principal: undefined,
  rolesBehind: undefined,
  isFactorDue: undefined,
  isJudged: false,
  submittedName: undefined,
  deviceSecret: undefined,
  knownDevice: undefined,
  reports: [],
})

/**
 * Whom a principal counts as. An API key uses up nothing of its owner's, and with the owner's other keys no more than
 * there is for all of them: whoever may make keys could else do as much as there are keys to make.
 */
export const limitKeysOf = ({ keyId, userId, sessionId }: Principal): LimitKeys =>
  keyId === undefined
    ? // Without a session the principal counts in its place: an empty text would be one counter of all.
      { user: userId, session: sessionId || userId }
    : { 'api-key': keyId, 'key-owner': userId }

/**
 * Whoever is refused by an exact limit hears so late, in milliseconds: the next guess of a connection comes
 * after that, and a flood of them leaves the process to others.
 */
const lateness = 250

/**
 * Takes from the limit that the route names, or from another, by the keys known so far, and keeps what it
 * said.
 * Waits only where the count is kept outside this process.
 * @throws Refusal `rate_limited`, and `unavailable` while an exact limit can't be counted
 */
export const takeFromLimit = (
  { limiter, clock }: { readonly limiter: Limiter; readonly clock: Pick<Clock, 'sleep'> },
  passage: Passage,
  keys: LimitKeys,
  limit = nameOf(passage.rule.limit),
): void | Promise<void> => {
  const refuse = ({ isStoreAway, retryAfter }: LimitReport): never => {
    throw isStoreAway
      ? new Refusal('unavailable', { reason: 'limit_store_away', retryAfter })
      : new Refusal('rate_limited', { reason: limit, retryAfter })
  }
  const hold = (report: LimitReport): void | Promise<void> => {
    if (report.rows.length > 0) passage.reports = [...passage.reports, report]
    if (report.allowed) return
    return report.isExact ? clock.sleep(lateness).then(() => refuse(report)) : refuse(report)
  }
  const report = limiter.take(limit, keys)
  return report instanceof Promise ? report.then(hold) : hold(report)
}
