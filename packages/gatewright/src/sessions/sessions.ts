import { type Origin, recordEvent } from '../audit/record.ts'
import { endCodesOf } from '../codes/codes.ts'
import type { EndReason } from '../ground/end-reasons.ts'
import { newId, newSecret, type Random } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { emitHook, type HookDependencies } from '../hooks/emit.ts'
import type { RoleTable } from '../permissions/roles.ts'
import type { Processes } from '../processes/processes.ts'
import { recordCutOffs } from '../revocation/cut-offs.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { SessionRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { hashSessionSecret, newSessionSecret, type SessionSecret } from '../tokens/session-secret.ts'
import { listRoles } from '../users/users.ts'
import { endedByTime, isJustRenewed, promisedExpiry, type SessionTimes, timesOf } from './session-times.ts'
import type { SessionUses } from './session-uses.ts'

export type SessionDependencies = HookDependencies & {
  readonly random: Random
  readonly revocations: Revocations
  readonly processes: Pick<Processes, 'secretInForce'>
  readonly settings: SessionTimes
  readonly roleTable: RoleTable
  readonly uses: SessionUses
}

/**
 * A session together with its user's roles as they are: what tokens are made from. The secret stands here
 * only where it was just made for a cookie; the database does not know it.
 */
export type LiveSession = {
  readonly session: SessionRow
  readonly roles: readonly string[]
  readonly secret?: SessionSecret
}

/** What a client holds of its session: a pair of tokens or a cookie, never both. */
export type Holding = 'tokens' | 'cookie'

/** A user has at most this many live sessions; the longest unused one makes room. */
const mostSessions = 100

/**
 * Inserts a session by one statement that locks the user's row: no row unless the user is enabled and
 * still at the version that was read before the credential was checked. The lock is the stronger of two,
 * for sessions are counted under it.
 */
const insertSession = async ({ db, beforeLock }: Work, session: SessionRow): Promise<boolean> => {
  beforeLock('user')
  const names = Object.keys(session) as (keyof SessionRow)[]
  const result = await db
    .insertInto('sessions')
    .columns(names)
    .expression(eb =>
      eb
        .selectFrom('users')
        .select(names.map(name => eb.val(session[name]).as(name)))
        .where('users.id', '=', session.user_id)
        .where('users.version', '=', session.user_version)
        .where('users.disabled_at', 'is', null)
        // Whatever a door has checked: a service has no session.
        .where('users.kind', '=', 'user')
        // Whoever is to change the password has no session before that.
        .where('users.password_change_due', '=', 0)
        .forNoKeyUpdate(),
    )
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

export type NewSession = {
  readonly userId: string
  /** The user's version as read before the credential was checked. */
  readonly userVersion: number
  /** Proofs shown (RFC 8176). */
  readonly amr: readonly string[]
  readonly device: string
  /** The browser that is known from now on (`known-devices.ts`); without a word there is none. */
  readonly knownDeviceId?: string | null
  readonly origin: Origin
  /** `tokens` without a word. */
  readonly holding?: Holding
}

/** What is new with every id: the id itself, what its tokens or its cookie rest on, and the proof just shown. */
const newIdentity = (
  dependencies: SessionDependencies,
  life: Pick<SessionRow, 'created_at' | 'expires_at'>,
  {
    userVersion,
    amr,
    holding,
    roles,
    secretId,
    authTime,
  }: Pick<NewSession, 'userVersion' | 'amr' | 'holding'> & {
    readonly roles: readonly string[]
    readonly secretId: string
    readonly authTime?: number | undefined
  },
) => {
  const { clock, random } = dependencies
  const now = clock.now()
  const secret = holding === 'cookie' ? newSessionSecret(random) : undefined
  const identity = {
    id: newId(random),
    user_version: userVersion,
    generation: 1,
    generation_since: now,
    refresh_key: newSecret(random),
    secret_id: secret === undefined ? secretId : null,
    former_secret_id: null,
    secret_hash: secret === undefined ? null : hashSessionSecret(secret),
    amr: amr.join(' '),
    auth_time: authTime ?? now,
    last_used_at: now,
    ...life,
    token_expires_at: secret === undefined ? promisedExpiry(now, life, timesOf(dependencies, roles)) : now,
  }
  return { identity, ...(secret && { secret }) }
}

/**
 * Starts a session, for every door. Undefined when the user changed since the credential was checked:
 * check the credential again.
 */
export const startSession = async (
  dependencies: SessionDependencies,
  work: Work,
  { userId, device, knownDeviceId = null, origin, ...born }: NewSession,
): Promise<LiveSession | undefined> => {
  const now = dependencies.clock.now()
  // Read before the row is held: whoever changes them raises the version, and then no row is inserted.
  const roles = await listRoles(work.db, userId)
  const life = { created_at: now, expires_at: now + dependencies.settings.sessionMaxTtl }
  const secretId = await dependencies.processes.secretInForce(work)
  const { identity, ...made } = newIdentity(dependencies, life, { ...born, roles, secretId })
  const session: SessionRow = {
    ...identity,
    user_id: userId,
    device,
    address: origin.address ?? '',
    ended_at: null,
    end_reason: null,
    replaced_by: null,
    known_device_id: knownDeviceId,
  }
  if (!(await insertSession(work, session))) return undefined
  await recordEvent(dependencies, work, 'session.started', {
    origin,
    userId,
    sessionId: session.id,
    details: { amr: born.amr },
  })
  await emitHook(dependencies, work, 'signed-in', { userId, sessionId: session.id, amr: born.amr })
  await makeRoom(dependencies, work, session, origin)
  return { session, roles, ...made }
}

/** Never at the cost of the new one, which looks unused for longest where the clock was set back. */
const makeRoom = async (
  dependencies: SessionDependencies,
  work: Work,
  { id: newSessionId, user_id: userId }: SessionRow,
  origin: Origin,
): Promise<void> => {
  const others = await work.db
    .selectFrom('sessions')
    .select(['id', 'last_used_at', 'address', 'created_at'])
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where('id', '!=', newSessionId)
    .execute()
  const surplus = others
    .map(dependencies.uses.withLastUse)
    .sort(lastUsedFirst)
    .slice(mostSessions - 1)
  for (const { id } of surplus)
    await endSessions(dependencies, work, { userId, only: id }, { reason: 'too_many_sessions', origin })
}

type Used = Pick<SessionRow, 'last_used_at' | 'created_at'>

export const lastUsedFirst = (one: Used, other: Used): number =>
  other.last_used_at - one.last_used_at || other.created_at - one.created_at

/** Which live sessions of a user. */
export type SessionChoice = { readonly userId: string; readonly only?: string; readonly except?: string }

export type EndedSessions = {
  readonly count: number
  /** The latest `exp` ever promised by one of them. */
  readonly promisedUntil: number
}

/** Ends the live sessions chosen, each with its codes, its cut-off and its audit event. */
export const endSessions = async (
  dependencies: Omit<SessionDependencies, 'settings' | 'random' | 'processes' | 'roleTable' | 'uses'>,
  work: Work,
  { userId, only, except }: SessionChoice,
  { reason, origin }: { readonly reason: EndReason; readonly origin: Origin },
): Promise<EndedSessions> => {
  const now = dependencies.clock.now()
  let query = work.db
    .updateTable('sessions')
    .set({ ended_at: now, end_reason: reason })
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
  if (only !== undefined) query = query.where('id', '=', only)
  if (except !== undefined) query = query.where('id', '!=', except)
  const ended = await query.returning(['id', 'token_expires_at']).execute()
  await recordCutOffs(
    dependencies,
    work,
    ended.map(row => ({
      kind: 'session',
      subject: row.id,
      promisedUntil: Math.max(now, row.token_expires_at),
    })),
  )
  if (ended.length > 0) await endCodesOf(work, ended)
  for (const { id: sessionId } of ended) {
    await recordEvent(dependencies, work, 'session.ended', { origin, userId, sessionId, reason })
    // A session that goes on under a new id is not over.
    if (reason !== 'renewed')
      await emitHook(dependencies, work, 'session-ended', { userId, sessionId, reason })
  }
  return { count: ended.length, promisedUntil: Math.max(now, ...ended.map(row => row.token_expires_at)) }
}

export type Renewal = Omit<NewSession, 'device' | 'knownDeviceId' | 'holding'> & {
  readonly sessionId: string
  /** The secret in force, asked before the user's row was locked. */
  readonly secretId: string
  /** When the person was last proved; without a word, just now. */
  readonly authTime?: number | undefined
}

/**
 * The session goes on, on the same device, under a new public id and a new refresh key or secret, with a
 * fresh proof. The old id ends with its cut-off; access tokens of the old id die with it.
 * @throws Refusal `session_ended` when it ended meanwhile; `session_renewed` where another tab did this first
 */
export const renewSession = async (
  dependencies: SessionDependencies,
  work: Work,
  { userId, sessionId, origin, ...proof }: Renewal,
): Promise<LiveSession> => {
  const { clock, settings } = dependencies
  const now = clock.now()
  const roles = await listRoles(work.db, userId)
  const old = await work.db.selectFrom('sessions').selectAll().where('id', '=', sessionId).executeTakeFirst()
  const { count } = await endSessions(
    dependencies,
    work,
    { userId, only: sessionId },
    { reason: 'renewed', origin },
  )
  if (old === undefined) throw new Refusal('session_ended')
  const holding: Holding = old.secret_hash === null ? 'tokens' : 'cookie'
  if (holding === 'cookie' && isJustRenewed(old, now, settings)) throw new Refusal('session_renewed')
  const isOver =
    endedByTime(dependencies.uses.withLastUse(old), now, timesOf(dependencies, roles)) !== undefined
  if (count !== 1 || isOver) throw new Refusal('session_ended')
  const { created_at, expires_at, address } = old
  const life = { created_at, expires_at }
  const { identity, ...made } = newIdentity(dependencies, life, { ...proof, holding, roles })
  const session: SessionRow = { ...old, ...identity, address: origin.address ?? address }
  if (!(await insertSession(work, session))) throw new Refusal('session_ended')
  await work.db
    .updateTable('sessions')
    .set({ replaced_by: session.id })
    .where('id', '=', sessionId)
    .where('ended_at', 'is not', null)
    .execute()
  await recordEvent(dependencies, work, 'session.renewed', {
    origin,
    userId,
    sessionId: session.id,
    details: { replaces: sessionId, amr: proof.amr },
  })
  return { session, roles, ...made }
}

/** A refresh token before the live one is no longer a retry but a theft. */
export const closeRefreshWindow = async ({ db }: Work, sessionId: string): Promise<void> => {
  await db
    .updateTable('sessions')
    .set({ generation_since: 0 })
    .where('id', '=', sessionId)
    .where('ended_at', 'is', null)
    .execute()
}
