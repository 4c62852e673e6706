import { Refusal } from '../ground/refusal.ts'
import type { Limiter, LimitKeys, LimitReport } from '../limits/limiter.ts'
import type { LimitName } from '../limits/table.ts'
import type { AccessRule } from '../permissions/access-rule.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import type { Credential } from './credential.ts'
import type { Principal, PrincipalKind } from './principal.ts'

/** What a route declares to the gate. */
export type GateRule = {
  readonly access: AccessRule
  /** The kinds of principal that it is for; without a word, only the user's own session. */
  readonly principals?: readonly PrincipalKind[]
  readonly limit: LimitName
  /** The audit events that it may write; `none` must be written out. */
  readonly audit: readonly string[] | 'none'
  /** The route reads its credential by itself (refresh and logout); the gate then reads none. */
  readonly readsOwnCredential?: true
}

/** One request on its way through the gate. */
export type Passage = {
  readonly rule: GateRule
  readonly peer: string | undefined
  /** Names and values in turn, as they arrived. */
  readonly rawHeaders: readonly string[]
  /** The `:id` of the URL. */
  readonly thingId: string | undefined
  /** A key that only the body tells, for limits by username. */
  bodyLimitKey: string | undefined
  address: string
  credential: Credential | undefined
  token: AccessToken | undefined
  principal: Principal | undefined
  /** What the limits said, for the headers of the answer. */
  reports: readonly LimitReport[]
}

export const newPassage = (request: Pick<Passage, 'rule' | 'peer' | 'rawHeaders' | 'thingId'>): Passage => ({
  ...request,
  address: '',
  credential: undefined,
  token: undefined,
  principal: undefined,
  bodyLimitKey: undefined,
  reports: [],
})

/**
 * Takes from the limit that the route names, by the keys known so far, and keeps what it said.
 * @throws Refusal `rate_limited`
 */
export const takeFromLimit = (limiter: Limiter, passage: Passage, keys: LimitKeys): void => {
  const { limit } = passage.rule
  const report = limiter.take(limit, keys)
  if (report.rows.length > 0) passage.reports = [...passage.reports, report]
  if (!report.allowed) throw new Refusal('rate_limited', { reason: limit, retryAfter: report.retryAfter })
}
