import type { AuditEventName } from '../audit/events.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import { applyAndRenew } from '../consequences/apply.ts'
import type { ConsequenceEvent } from '../consequences/table.ts'
import { dropRecoveryCodes, renewRecoveryCodes } from '../factors/recovery-codes.ts'
import { Refusal } from '../ground/refusal.ts'
import type { NoticeName } from '../mail/letters.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import { recentFor } from '../permissions/access-rule.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import { type Caller, holdSession } from '../sessions/hold-session.ts'
import type { LiveSession, SessionDependencies } from '../sessions/sessions.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { hasSecondFactor, joinProofs, type Method } from './factors.ts'

export type OwnFactorsDependencies = SessionDependencies & MailDependencies & { readonly db: Database }

/** Whose factors, from which session. */
export type Owner = Caller & { readonly origin: Origin }

const kinds = {
  added: { event: 'second factor added', audit: 'second-factor.added', notice: 'factor-added' },
  removed: { event: 'second factor removed', audit: 'second-factor.removed', notice: 'factor-removed' },
} as const satisfies Record<string, { event: ConsequenceEvent; audit: AuditEventName; notice: NoticeName }>

export type FactorChange = {
  readonly kind: keyof typeof kinds
  readonly method: Exclude<Method, 'recovery_code'>
  /** Proofs that the change itself has shown, for the session that goes on (RFC 8176). */
  readonly amr?: readonly string[]
  /**
   * Makes the change. A refusal that is thrown undoes everything.
   * @param secretId the secret in force, for what is sealed
   */
  readonly run: (work: Work, secretId: string) => Promise<void>
}

/** The session under its new id, and the recovery codes that came with the first factor: shown this once. */
export type ChangedFactors = { readonly renewed: LiveSession; readonly recoveryCodes?: readonly string[] }

/** What the owner is to do first, as at every route that asks for it. */
export const askForProof = (): Refusal =>
  new Refusal('insufficient_user_authentication', { reason: 'factor_not_shown', maxAge: recentFor / 1_000 })

/** The session as it is, held with its user until the transaction ends. */
const holdOwnSession = async (work: Work, owner: Caller): Promise<SessionRow> => {
  await holdSession(work, owner)
  return work.db
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', owner.sessionId)
    .executeTakeFirstOrThrow()
}

/** Whether the user has a second factor that this session has not shown: as the rows say, whatever its token does. */
export const lacksFactor = async (db: Database, { userId, sessionId }: Caller): Promise<boolean> => {
  if (!(await hasSecondFactor(db, userId))) return false
  const session = await db.selectFrom('sessions').select('amr').where('id', '=', sessionId).executeTakeFirst()
  return !session?.amr.split(' ').includes(multiFactor)
}

/**
 * Whoever has a second factor changes what guards the account only in a session that has shown one: a session from
 * before the factor, begun by a thief of the password, must not be able to take it away. The gate has looked
 * before; this looks in the transaction of the change.
 */
export const holdProvenSession = async (
  work: Work,
  owner: Caller,
): Promise<{ readonly session: SessionRow; readonly hadFactor: boolean }> => {
  const session = await holdOwnSession(work, owner)
  const hadFactor = await hasSecondFactor(work.db, owner.userId)
  if (await lacksFactor(work.db, owner)) throw askForProof()
  return { session, hadFactor }
}

const refuseShortPassword = async ({ db }: Work, userId: string): Promise<void> => {
  const user = await db
    .selectFrom('users')
    .select('password_needs_factor')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  if (user.password_needs_factor === 0) return
  throw new Refusal('password_too_short', {
    reason: 'last_factor',
    detail:
      'Without a second factor the password must be longer. Change it first, and then remove the factor.',
  })
}

/** What the session has proved from now on. Without any factor left nothing counts as several any more. */
const proofsAfter = (
  { amr }: SessionRow,
  { amr: shown = [] }: Pick<FactorChange, 'amr'>,
  hasFactor: boolean,
): readonly string[] => {
  const proofs = joinProofs(amr.split(' '), shown)
  return hasFactor ? proofs : proofs.filter(proof => proof !== multiFactor)
}

type Applied = { readonly secretId: string; readonly session: SessionRow; readonly amr: readonly string[] }

/** The session goes on under a new id, as old a proof of the person as before: nobody gets a fresh one by this. */
const renew = async (
  dependencies: OwnFactorsDependencies,
  work: Work,
  event: ConsequenceEvent,
  { userId, sessionId, origin, secretId, session, amr }: Owner & Applied,
): Promise<LiveSession> => {
  const subject = { userId, sessionId, origin, secretId, amr, authTime: session.auth_time }
  return applyAndRenew(dependencies, work, event, subject)
}

/**
 * Adds or removes a factor of one's own, in one transaction that holds the user. The first factor brings
 * recovery codes; the last one takes them with it, and asks for a password that is long enough to be alone.
 * @throws Refusal `session_ended`, `insufficient_user_authentication`, `password_too_short`, and what `run` throws
 */
export const changeFactors = (
  dependencies: OwnFactorsDependencies,
  owner: Owner,
  { kind, method, run, ...change }: FactorChange,
): Promise<ChangedFactors> =>
  inTransaction(dependencies.db, async work => {
    const { userId, sessionId, origin } = owner
    const { event, audit, notice } = kinds[kind]
    const secretId = await dependencies.processes.secretInForce(work)
    const { session, hadFactor } = await holdProvenSession(work, owner)
    const since = dependencies.clock.now()
    await run(work, secretId)
    const hasFactor = await hasSecondFactor(work.db, userId)
    if (!hasFactor) {
      await refuseShortPassword(work, userId)
      await dropRecoveryCodes(work, userId)
    }
    const details = { method }
    await recordEvent(dependencies, work, audit, { origin, userId, sessionId, details })
    const amr = proofsAfter(session, change, hasFactor)
    const renewed = await renew(dependencies, work, event, { ...owner, secretId, session, amr })
    const values = { factor: method }
    await tellOwner(dependencies, work, { userId, notice, since, values, origin, secretId })
    if (hadFactor || !hasFactor) return { renewed }
    return { renewed, recoveryCodes: await renewRecoveryCodes(dependencies, work, userId) }
  })

/**
 * A new set of recovery codes; the former one is good for nothing from then on.
 * @throws Refusal `conflict` without a second factor, and as {@link changeFactors}
 */
export const renewOwnRecoveryCodes = (
  dependencies: OwnFactorsDependencies,
  owner: Owner,
): Promise<Required<ChangedFactors>> =>
  inTransaction(dependencies.db, async work => {
    const { userId, sessionId, origin } = owner
    const secretId = await dependencies.processes.secretInForce(work)
    const { session, hadFactor } = await holdProvenSession(work, owner)
    if (!hadFactor)
      throw new Refusal('conflict', {
        reason: 'no_second_factor',
        detail: 'Recovery codes stand in for a second factor: add one first.',
      })
    const since = dependencies.clock.now()
    const recoveryCodes = await renewRecoveryCodes(dependencies, work, userId)
    await recordEvent(dependencies, work, 'recovery-codes.renewed', { origin, userId, sessionId })
    const amr = session.amr.split(' ')
    const renewed = await renew(dependencies, work, 'recovery codes renewed', {
      ...owner,
      secretId,
      session,
      amr,
    })
    const notice = 'recovery-codes-renewed'
    await tellOwner(dependencies, work, { userId, notice, since, origin, secretId })
    return { renewed, recoveryCodes }
  })
