import type { Origin } from '../audit/record.ts'
import { addressGroup } from '../ground/address.ts'
import { hour } from '../ground/clock.ts'
import { queueMail } from '../mail/queue.ts'
import type { UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import type { Password } from '../users/password.ts'
import { nameKey } from '../users/users.ts'
import {
  fingerprintOf,
  hideMark,
  hideTarget,
  type MarkHashing,
  othersThan,
  passwordSubject,
} from './fingerprint.ts'
import { addMarks, countMarks, dropMark, dropMarks, type Mark, type Sum, sumMarks } from './marks.ts'
import { type PatternName, patternOf } from './patterns.ts'
import { type RaiseDependencies, raise, type Seen } from './raise.ts'
import { type ThresholdSettings, thresholdOf } from './threshold.ts'

export type WatchDependencies = RaiseDependencies & MarkHashing & { readonly settings: ThresholdSettings }

/** A sign-in by password that was refused, from a device that is not known. */
export type FailedSignIn = {
  /** As it was typed. */
  readonly name: string
  readonly user: Pick<UserRow, 'id' | 'email' | 'email_verified_at'> | undefined
  readonly origin: Origin
  /** Undefined where it was not looked at, and may be right. */
  readonly wrong: { readonly password: Password | undefined } | undefined
}

/** Whom it was tried at: the user, by whatever name, or a name that nobody has. */
const targetOf = ({ name, user }: Pick<FailedSignIn, 'name' | 'user'>): string =>
  user === undefined ? `name ${nameKey(name)}` : `user ${user.id}`

type Found = { readonly marks: readonly Mark[]; readonly fingerprint: number | undefined }

const ofUser = (hashing: MarkHashing, failed: Pick<FailedSignIn, 'name' | 'user'>): Mark => ({
  pattern: 'many-failures',
  subject: failed.user?.id ?? hideMark(hashing, 'nobody', targetOf(failed)),
  mark: String(Math.floor(hashing.clock.now() / hour)),
})

const ofAddress = (hashing: MarkHashing, failed: Pick<FailedSignIn, 'name' | 'user' | 'origin'>): Mark => ({
  pattern: 'many-users-one-address',
  subject: hideMark(hashing, 'address', addressGroup(failed.origin.address ?? '')),
  mark: hideMark(hashing, 'target', targetOf(failed)),
})

/** In the order of the table. */
const toMarks = (dependencies: WatchDependencies, failed: FailedSignIn): Found => {
  const [user, address] = [ofUser(dependencies, failed), ofAddress(dependencies, failed)]
  if (failed.wrong === undefined) return { marks: [user, address], fingerprint: undefined }
  const fingerprint = fingerprintOf(dependencies, failed.wrong.password)
  const password: Mark = {
    pattern: 'one-password-many-users',
    subject: passwordSubject(dependencies, fingerprint),
    mark: hideTarget(dependencies, fingerprint, targetOf(failed)),
  }
  return { marks: [user, password, address], fingerprint }
}

/** So many times as many as other passwords have. */
const standsOut = 5

/** By chance many passwords have one fingerprint where many are typed wrong: then others have as many. */
const isOutstanding = async (
  dependencies: WatchDependencies,
  { db }: Work,
  fingerprint: number,
  marks: number,
): Promise<boolean> => {
  const others = othersThan(fingerprint)
  const subjects = others.map(each => passwordSubject(dependencies, each))
  const count = await countMarks(dependencies, db, 'one-password-many-users', subjects)
  return marks * others.length >= standsOut * count
}

const isReached = (
  { settings }: Pick<WatchDependencies, 'settings'>,
  pattern: PatternName,
  count: number,
): boolean => count >= thresholdOf(settings, pattern)

const findSeen = async (
  dependencies: WatchDependencies,
  work: Work,
  { user, origin }: FailedSignIn,
  { marks, fingerprint }: Found,
  sumOf: (pattern: PatternName) => Sum,
): Promise<readonly Seen[]> => {
  const seen: Seen[] = []
  for (const { pattern, subject } of marks) {
    const sum = sumOf(pattern)
    const count = pattern === 'many-failures' ? sum.total : sum.marks
    if (!isReached(dependencies, pattern, count)) continue
    if (pattern === 'many-failures' && user === undefined) continue
    if (
      pattern === 'one-password-many-users' &&
      !(await isOutstanding(dependencies, work, fingerprint ?? 0, count))
    )
      continue
    const whose = patternOf(pattern).subject === 'user' && user !== undefined ? { userId: user.id } : {}
    seen.push({ pattern, subject, count, origin, ...whose })
  }
  return seen
}

/** Behind the answer, and not where a hold was told that day. */
const tellOfFailures = async (
  dependencies: WatchDependencies,
  work: Work,
  user: NonNullable<FailedSignIn['user']>,
): Promise<void> => {
  const { mail, processes } = dependencies
  if (!mail.isOn || user.email === null || user.email_verified_at === null) return
  const secretId = await processes.secretInForce(work)
  const content = { ask: 'guessed', email: user.email, userId: user.id } as const
  await queueMail(dependencies, work, { content, userId: user.id, secretId })
}

/**
 * Notes what a failed sign-in has in common with others, and raises what that shows. In the transaction of its audit
 * event. The same statements whether or not somebody has the name; only who reaches a threshold writes more.
 */
export const noteFailedSignIn = async (
  dependencies: WatchDependencies,
  work: Work,
  failed: FailedSignIn,
): Promise<void> => {
  if (dependencies.settings.limits === 'off') return
  const found = toMarks(dependencies, failed)
  await addMarks(dependencies, work, found.marks)
  const sumOf = await sumMarks(dependencies, work.db, found.marks)
  const seen = await findSeen(dependencies, work, failed, found, sumOf)
  if (seen.length === 0) return
  const raised = await raise(dependencies, work, seen)
  if (raised.includes('many-failures') && failed.user !== undefined)
    await tellOfFailures(dependencies, work, failed.user)
}

/** Whoever got in at an address was no failure there. */
export const forgetFailureAt = (
  dependencies: MarkHashing,
  work: Work,
  arrived: { readonly user: Pick<UserRow, 'id' | 'email' | 'email_verified_at'>; readonly origin: Origin },
): Promise<void> => dropMark(work, ofAddress(dependencies, { ...arrived, name: '' }))

/** Its owner has chosen a new password by mail: what was guessed at the former one says nothing more. */
export const forgetFailures = (work: Work, userId: string): Promise<void> =>
  dropMarks(work, { subject: userId, pattern: 'many-failures' })

/** Whether so many passwords of the user were wrong that a right one is unusual. */
export const countFailures = async (
  dependencies: WatchDependencies,
  { db }: Work,
  userId: string,
): Promise<number | undefined> => {
  const sumOf = await sumMarks(dependencies, db, [{ subject: userId, pattern: 'many-failures' }])
  const { total } = sumOf('many-failures')
  return isReached(dependencies, 'success-after-failures', total) ? total : undefined
}
