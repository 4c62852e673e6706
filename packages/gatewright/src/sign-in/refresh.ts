import { type Origin, recordEvent } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { endOvertime } from '../consequences/overtime.ts'
import type { ConsequenceEvent } from '../consequences/table.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import {
  endedByTime,
  isInRetryWindow,
  isJustRenewed,
  promisedExpiry,
  timesOf,
  type UserTimes,
} from '../sessions/session-times.ts'
import type { LiveSession, SessionDependencies } from '../sessions/sessions.ts'
import { prepare } from '../storage/prepared.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import {
  hasGoodMac,
  parseRefreshToken,
  type RefreshToken,
  secretIdOfGeneration,
} from '../tokens/refresh-token.ts'
import { listRoles, lockUser } from '../users/users.ts'

export type RefreshDependencies = SessionDependencies & {
  readonly db: Database
  readonly secrets: Secrets
}

/** Where a shown generation stands to the live one, *g*. */
type Position =
  | 'live, in the window'
  | 'live, after the window'
  | 'one before, in the window'
  | 'older'
  | 'ahead'

const positionOf = (shown: number, session: SessionRow, now: number, window: number): Position => {
  const inWindow = isInRetryWindow(session.generation_since, now, window)
  if (shown === session.generation) return inWindow ? 'live, in the window' : 'live, after the window'
  if (shown > session.generation) return 'ahead'
  return shown === session.generation - 1 && inWindow ? 'one before, in the window' : 'older'
}

/** What each position gets: the live generation with its event, or an end that leaves its trace. */
const outcomes = {
  'live, in the window': { event: 'session.refreshed', rotates: false },
  'live, after the window': { event: 'session.refreshed', rotates: true },
  'one before, in the window': { event: 'session.refresh-retried', rotates: false },
  older: { event: 'refresh-token.reused', ends: 'refresh token reused', code: 'refresh_token_reused' },
  ahead: { event: 'refresh-token.ahead', ends: 'refresh token ahead', code: 'session_ended' },
} as const satisfies Record<Position, object>

type Generation = Pick<
  SessionRow,
  | 'id'
  | 'address'
  | 'last_used_at'
  | 'token_expires_at'
  | 'generation'
  | 'generation_since'
  | 'secret_id'
  | 'former_secret_id'
>

const setGeneration = prepare<Generation & { judged: number }>((db, value) =>
  db
    .updateTable('sessions')
    .set({
      last_used_at: value('last_used_at'),
      address: value('address'),
      token_expires_at: value('token_expires_at'),
      generation: value('generation'),
      generation_since: value('generation_since'),
      secret_id: value('secret_id'),
      former_secret_id: value('former_secret_id'),
    })
    .where('id', '=', value('id'))
    .where('generation', '=', value('judged'))
    .where('ended_at', 'is', null),
)

/**
 * One compare-and-set carries every answer: the session must not have ended, and its generation must be
 * the one that was judged. The `exp` promised is written with it.
 */
const advance = async (
  { clock }: RefreshDependencies,
  work: Work,
  session: SessionRow,
  {
    rotates,
    secretId,
    times,
    origin,
  }: {
    readonly rotates: boolean
    readonly secretId: string
    readonly times: UserTimes
    readonly origin: Origin
  },
): Promise<SessionRow> => {
  const generation = rotates ? nextGeneration(session, secretId) : liveGeneration(session)
  const now = clock.now()
  const promised = promisedExpiry(now, session, times)
  const next = {
    ...generation,
    last_used_at: Math.max(session.last_used_at, now),
    address: origin.address ?? session.address,
    generation_since: rotates ? now : session.generation_since,
  }
  const { changed } = await setGeneration(work.db, {
    ...next,
    id: session.id,
    judged: session.generation,
    token_expires_at: Math.max(session.token_expires_at, promised),
  })
  if (changed !== 1) throw new Refusal('session_ended')
  return { ...session, ...next, token_expires_at: promised }
}

type SecretOfGeneration = Pick<SessionRow, 'generation' | 'secret_id' | 'former_secret_id'>

const liveGeneration = ({ generation, secret_id, former_secret_id }: SessionRow): SecretOfGeneration => ({
  generation,
  secret_id,
  former_secret_id,
})

/** The generation after the live one, with the secret that its token is made with. */
const nextGeneration = (
  { generation, secret_id: former }: SessionRow,
  secretId: string,
): SecretOfGeneration => ({
  generation: generation + 1,
  secret_id: secretId,
  former_secret_id: former === secretId ? null : former,
})

/** Within the window after a new id, the token it replaced is told to wait for the new one. */
const refuseEnded = (
  { clock, settings }: RefreshDependencies,
  session: SessionRow,
  shown: number,
): Refusal => {
  const justRenewed =
    isJustRenewed(session, clock.now(), settings) &&
    (shown === session.generation || shown === session.generation - 1)
  return justRenewed
    ? new Refusal('session_renewed')
    : new Refusal('session_ended', {
        reason: session.end_reason ?? 'ended',
        session: { userId: session.user_id, sessionId: session.id },
      })
}

/** A well-formed refresh token, whoever made it. Costs no query. @throws Refusal `invalid_token` */
export const readRefreshToken = (text: string): RefreshToken => {
  const token = parseRefreshToken(text)
  if (token === undefined) throw new Refusal('invalid_token', { reason: 'refresh_token_form' })
  return token
}

const selectBearerSession = prepare<{ id: string }, SessionRow>((db, value) =>
  db.selectFrom('sessions').selectAll().where('id', '=', value('id')).where('secret_hash', 'is', null),
)

/**
 * Whether this process, which was counted as ended or started too soon, lacks a secret that the session rests
 * on. Not knowing is no reason to sign anybody out: another process can tell.
 */
const lacksSecret = (
  { ids }: Secrets,
  session: SessionRow,
  { generation, secretId }: RefreshToken,
): boolean => {
  const noted = secretIdOfGeneration(session, generation)
  const isLacking = (id: string | null | undefined): boolean => id != null && !ids.includes(id)
  const lacks = isLacking(session.secret_id) || (noted === secretId && isLacking(noted))
  return lacks && session.ended_at === null
}

/**
 * The session of a refresh token of ours, of whatever generation; one that a cookie holds has none.
 * @throws Refusal `invalid_token`; `unavailable` where this process lacks the secret that it was made with
 */
export const getSessionOfRefreshToken = async (
  { secrets }: { readonly secrets: Secrets },
  db: Database,
  token: RefreshToken,
): Promise<SessionRow> => {
  const { rows } = await selectBearerSession(db, { id: token.sessionId })
  const session = rows[0]
  if (session !== undefined && lacksSecret(secrets, session, token))
    throw new Refusal('unavailable', { reason: 'secret_not_held', retryAfter: 1 })
  if (session === undefined || !hasGoodMac(secrets, session, token))
    throw new Refusal('invalid_token', { reason: 'refresh_token_unknown' })
  return session
}

/**
 * What a use counts for. An older token counts alone: a thief who holds the live one could else use up the
 * session's limit, and keep the owner's token from being judged, which ends the session.
 */
const useOf = ({ generation }: RefreshToken, session: SessionRow): string =>
  generation === session.generation ? session.id : `${session.id} ${generation}`

/**
 * A new access token, and the refresh token that is live now: at most one rotation per window, so that a
 * retry, a lost answer or a second tab gets the same token, and a thief's copy is noticed.
 *
 * @param countUse takes from the limit of the session, or of an older token, once it is known to be ours; throws to refuse
 * @throws Refusal `invalid_token`, `session_ended`, `session_renewed`, `refresh_token_reused`
 */
export const refresh = async (
  dependencies: RefreshDependencies,
  {
    text,
    origin,
    countUse,
  }: {
    readonly text: string
    readonly origin: Origin
    readonly countUse: (key: string) => void
  },
): Promise<LiveSession> => {
  const token = readRefreshToken(text)
  // A stranger's token never gets as far as the database's one write lock.
  const known = await getSessionOfRefreshToken(dependencies, dependencies.db, token)
  // Not in the transaction, which may run more than once for one use.
  countUse(useOf(token, known))
  return inTransaction(dependencies.db, async work => {
    const { clock, settings, uses, processes } = dependencies
    const secretId = await processes.secretInForce(work)
    // Of two at once the second judges what the first has left; and so does a change of roles, which has to
    // outlast every token promised before it.
    await lockUser(work, known.user_id)
    const session = uses.withLastUse(await getSessionOfRefreshToken(dependencies, work.db, token))
    if (session.ended_at !== null) throw refuseEnded(dependencies, session, token.generation)

    const subject = {
      userId: session.user_id,
      sessionId: session.id,
      origin: { ...origin, actor: session.user_id },
    }
    const end = (event: ConsequenceEvent) => applyConsequences(dependencies, work, event, subject)
    const roles = await listRoles(work.db, session.user_id)
    const times = timesOf(dependencies, roles)
    const overtime = endedByTime(session, clock.now(), times)
    if (overtime !== undefined) {
      await endOvertime(dependencies, work, overtime, subject)
      return new Refusal('session_ended', { reason: overtime, hasEvent: true })
    }

    const position = positionOf(token.generation, session, clock.now(), settings.refreshRetryWindow)
    const outcome = outcomes[position]
    await recordEvent(dependencies, work, outcome.event, {
      ...subject,
      details: { shown: token.generation, live: session.generation },
    })
    if ('ends' in outcome) {
      await end(outcome.ends)
      return new Refusal(outcome.code, { reason: outcome.event, hasEvent: true })
    }
    const { rotates } = outcome
    const next = { rotates, secretId, times, origin }
    return { session: await advance(dependencies, work, session, next), roles }
  })
}
