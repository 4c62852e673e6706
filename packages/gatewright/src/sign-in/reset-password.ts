import { recordEvent } from '../audit/record.ts'
import { type Code, countAttempt, findCode } from '../codes/codes.ts'
import type { Purpose } from '../codes/purposes.ts'
import { applyConsequences } from '../consequences/apply.ts'
import { Refusal } from '../ground/refusal.ts'
import { keysSaid, tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { forgetFailures } from '../unusual/failed-sign-in.ts'
import type { BreachNote } from '../users/breach-check.ts'
import {
  checkNewPassword,
  type NewPasswordDependencies,
  needsFactor,
  noteBreach,
  storePassword,
} from '../users/new-password.ts'
import type { Password } from '../users/password.ts'
import type { PasswordHash, PasswordHasher } from '../users/password-hasher.ts'
import { emailKey, lockUser } from '../users/users.ts'
import { refuseSlowly, toQueueCaller } from './check-password.ts'
import {
  type Checked,
  type FactorFault,
  factorOf,
  hasSecondFactor,
  listMethods,
  type Method,
} from './factors.ts'
import { isStopped } from './held.ts'
import { checkFactor, noteTaken, recordFailure, type ShowDependencies } from './show-factor.ts'
import { endLinksTo, refuseLink, type ShownLink, takeLink } from './shown-link.ts'
import { forgive, lift, type ThrottleDependencies, unlessItFails } from './throttle.ts'
import { factorKey, keysOfUser, type NameHashing } from './throttle-keys.ts'

export type ResetDependencies = SessionDependencies &
  MailDependencies &
  NewPasswordDependencies &
  ThrottleDependencies &
  ShowDependencies &
  NameHashing & { readonly db: Database; readonly hasher: PasswordHasher }

export type Reset = ShownLink & {
  readonly newPassword: Password
  /** A second factor, where the user has one. */
  readonly method?: Method | undefined
  readonly code?: string | undefined
  /** Aborted when nobody waits for the answer any more. */
  readonly gone?: AbortSignal | undefined
}

/** A new password that was found good, hashed. */
export type Ready = {
  readonly hash: PasswordHash
  readonly breach: BreachNote | undefined
  readonly needsFactor: boolean
}

const findOwnerOf = (db: Database, code: Code): Promise<UserRow | undefined> =>
  db.selectFrom('users').selectAll().where('id', '=', code.user_id).executeTakeFirst()

/** @throws Refusal `invalid_link`: whose code it is, is there no more */
export const getOwnerOf = async (db: Database, code: Code): Promise<UserRow> => {
  const user = await findOwnerOf(db, code)
  if (user === undefined) throw new Refusal('invalid_link', { reason: `link_${code.purpose}` })
  return user
}

/** The link is looked at before anything costs: for one that opens nothing nothing is hashed. */
const findOwner = async (dependencies: ResetDependencies, { token, origin }: Reset): Promise<UserRow> => {
  const { db } = dependencies
  const code = await findCode(dependencies, { purpose: 'reset-password', secret: token })
  const user = code && (await findOwnerOf(db, code))
  if (user !== undefined) return user
  return inTransaction<never>(db, work => refuseLink(dependencies, work, 'reset-password', { origin }))
}

/** Checks the new password and hashes it. */
export const prepareReset = async (
  dependencies: ResetDependencies,
  user: UserRow,
  reset: Reset,
): Promise<Ready> => {
  const { newPassword, origin, gone } = reset
  const { username, email } = user
  const hasFactor = await hasSecondFactor(dependencies.db, user.id)
  const rules = { username, email, path: '/new_password', hasFactor }
  const breach = await checkNewPassword(dependencies, newPassword, rules)
  const { clock, hasher } = dependencies
  const caller = toQueueCaller(origin, { isKnown: true, gone })
  return {
    breach,
    needsFactor: hasFactor && (await needsFactor(dependencies, newPassword, { username, email })),
    hash: await refuseSlowly(clock, clock.monotonic(), () => hasher.hash(newPassword, caller)),
  }
}

const sameAsBefore = (): Refusal =>
  new Refusal('password_blocklisted', {
    reason: 'same_password',
    errors: [{ path: '/new_password', message: 'Choose another than the one you have.' }],
  })

/**
 * Of a password that somebody else may have, its owner chooses another. Counted against what was shown, which tells
 * whoever has it whether a password is the old one.
 * @throws Refusal `password_blocklisted`, `invalid_link`
 */
export const refuseSame = async (
  dependencies: ResetDependencies,
  { token: secret, newPassword, origin, gone }: Reset,
  { purpose, stored }: { readonly purpose: Purpose; readonly stored: string | null },
): Promise<void> => {
  if (stored === null) return
  const counted = await countAttempt(dependencies, dependencies, { purpose, secret })
  if (counted === undefined) throw new Refusal('invalid_link', { reason: `link_${purpose}` })
  const caller = toQueueCaller(origin, { isKnown: true, gone })
  if (await dependencies.hasher.verify(newPassword, stored as PasswordHash, caller)) throw sameAsBefore()
}

const isStillOwn = (user: UserRow, email: string): boolean =>
  user.email_verified_at !== null && user.email_key === emailKey(email)

/** What was shown beside the link: nothing where the password is all there is. */
type Proof = { readonly method: Method; readonly counted: string; readonly take: Take } | undefined
type Take = Extract<Checked, { take: unknown }>['take']

const refuseFactor = async (
  dependencies: ResetDependencies,
  { id: userId }: UserRow,
  { origin }: Reset,
  { method, counted }: { readonly method: Method; readonly counted: string },
  fault: FactorFault,
): Promise<never> => {
  await recordFailure(dependencies, { userId, origin, method, fault, counted, isSignIn: false })
  await isStopped(dependencies, counted)
  throw new Refusal('invalid_mfa_code', { reason: fault, hasEvent: true })
}

/** The mailbox is one thing: whoever has a second factor shows it as well. */
const proveFactor = async (dependencies: ResetDependencies, user: UserRow, reset: Reset): Promise<Proof> => {
  const held = await listMethods(dependencies.db, user.id)
  if (held.length === 0) return undefined
  // A passkey answers a challenge, and a link asks for none: its owner has recovery codes.
  const methods = held.filter(method => factorOf(method).isKey !== true)
  const { method, code } = reset
  if (method === undefined) throw new Refusal('mfa_required', { members: { methods } })
  const counted = factorKey(method, { userId: user.id })
  const shown = { userId: user.id, method, code, counted }
  // Recovery codes can't be guessed: they stay for whoever is stopped by what others have tried.
  if (method !== 'recovery_code' && (await isStopped(dependencies, counted)))
    return refuseFactor(dependencies, user, reset, shown, 'throttled')
  const checked = await checkFactor(dependencies, shown)
  if ('fault' in checked) return refuseFactor(dependencies, user, reset, shown, checked.fault)
  return { method, counted, take: checked.take }
}

const change = async (
  dependencies: ResetDependencies,
  work: Work,
  {
    user,
    subject,
    secretId,
  }: { readonly user: UserRow; readonly subject: Subject; readonly secretId: string },
  { hash, breach, needsFactor }: Ready,
): Promise<void> => {
  // What outlives a reset may be a thief's: the owner is asked.
  await storePassword(work, { userId: user.id, hash, needsFactor, asksReview: true })
  await recordEvent(dependencies, work, 'user.password-reset', subject)
  await noteBreach(dependencies, work, breach, subject)
  const { endedKeys } = await applyConsequences(dependencies, work, 'password reset', subject)
  // Whoever resets has the mailbox now. Whoever read it once keeps nothing of that.
  await endLinksTo(work, 'not-me', user)
  await tellOwner(dependencies, work, {
    ...subject,
    notice: 'password-reset',
    values: keysSaid(endedKeys),
    secretId,
  })
  // Whoever has the address is no stranger.
  await lift({ ...dependencies, db: work.db }, keysOfUser(dependencies, user))
  await forgetFailures(work, user.id)
}

type Subject = { readonly userId: string; readonly origin: Reset['origin'] }

/** A factor is used up only together with the link: a recovery code is not spent on a link that is over. */
const finish = async (
  dependencies: ResetDependencies,
  work: Work,
  reset: Reset,
  { owner, ready, proof }: { readonly owner: UserRow; readonly ready: Ready; readonly proof: Proof },
): Promise<Refusal | FactorFault | undefined> => {
  const secretId = await dependencies.processes.secretInForce(work)
  await lockUser(work, owner.id)
  const open = { purpose: 'reset-password', secret: reset.token } as const
  if ((await findCode({ ...dependencies, db: work.db }, open)) === undefined)
    return refuseLink(dependencies, work, 'reset-password', reset)
  const fault = await proof?.take(work, { origin: reset.origin, secretId })
  if (fault !== undefined) return fault
  const taken = await takeLink(dependencies, work, 'reset-password', reset)
  if (taken === undefined || !isStillOwn(taken.user, taken.email)) throw new Refusal('invalid_link')
  const { user } = taken
  const subject = { userId: user.id, origin: { ...reset.origin, actor: user.id } }
  if (proof !== undefined) {
    await forgive({ ...dependencies, db: work.db }, { keys: [proof.counted] })
    await noteTaken(dependencies, work, { ...subject, method: proof.method, secretId })
  }
  await change(dependencies, work, { user, subject, secretId }, ready)
  return undefined
}

/**
 * Sets a new password by a link that was sent to the verified address. Everything that goes on ends, and nobody
 * is signed in by it. Whoever has a second factor shows it as well.
 * @throws Refusal `invalid_link`, `mfa_required`, `invalid_mfa_code`, `password_too_short`, `password_blocklisted`,
 *   `unavailable`
 */
export const resetPassword = async (dependencies: ResetDependencies, reset: Reset): Promise<void> => {
  const owner = await findOwner(dependencies, reset)
  const ready = await prepareReset(dependencies, owner, reset)
  const proof = await proveFactor(dependencies, owner, reset)
  await refuseSame(dependencies, reset, { purpose: 'reset-password', stored: owner.former_password_hash })
  const counted = proof === undefined ? [] : [proof.counted]
  const fault = await unlessItFails(dependencies, counted, () =>
    inTransaction(dependencies.db, work => finish(dependencies, work, reset, { owner, ready, proof })),
  )
  if (fault !== undefined && proof !== undefined) await refuseFactor(dependencies, owner, reset, proof, fault)
}
