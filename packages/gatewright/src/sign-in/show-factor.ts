import { type Origin, recordEvent } from '../audit/record.ts'
import { countRecoveryCodes } from '../factors/recovery-codes.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { Processes } from '../processes/processes.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { patterns } from '../unusual/patterns.ts'
import { raise } from '../unusual/raise.ts'
import { lockUser } from '../users/users.ts'
import {
  type Checked,
  type FactorDependencies,
  type FactorFault,
  factorOf,
  type Method,
  type Shown,
} from './factors.ts'
import { countGuess, type ThrottleDependencies, unlessItFails } from './throttle.ts'

export type ShowDependencies = FactorDependencies &
  ThrottleDependencies &
  MailDependencies & { readonly processes: Pick<Processes, 'secretInForce'> }

/** A factor that somebody shows, and what is counted before it is looked at (`throttle-keys.ts`). */
export type ShownFactor = Shown & { readonly method: Method; readonly counted: string }

/**
 * Counts the guess, and checks what was shown. Whoever was not checked after all has not guessed. While throttled
 * no code is checked, and right and wrong get the same answer.
 */
export const checkFactor = async (
  dependencies: ShowDependencies,
  { method, counted, ...shown }: ShownFactor,
): Promise<Checked> => {
  const isCounted = await countGuess(dependencies, [counted])
  if (!isCounted && factorOf(method).isKey !== true) return { fault: 'throttled' }
  return unlessItFails(dependencies, [counted], () => factorOf(method).check(dependencies, shown))
}

/** Whose account, from where, and in which session if there is one. */
export type Place = { readonly userId: string; readonly origin: Origin; readonly sessionId?: string }

/** What its owner hears of a factor that was just taken. In the transaction that took it. */
export const noteTaken = async (
  dependencies: ShowDependencies,
  work: Work,
  { method, secretId, ...place }: Place & { readonly method: Method; readonly secretId: string },
): Promise<void> => {
  if (method !== 'recovery_code') return
  const { left } = await countRecoveryCodes(work.db, place.userId)
  await recordEvent(dependencies, work, 'recovery-code.used', { ...place, details: { left } })
  const values = { left: String(left) }
  await tellOwner(dependencies, work, { ...place, notice: 'recovery-code-used', values, secretId })
}

/** So many in a row: one or two are a slip of the finger. */
const areMany = async (db: Database, counted: string): Promise<boolean> => {
  const row = await db
    .selectFrom('sign_in_throttles')
    .select('wrong')
    .where('key', '=', counted)
    .executeTakeFirst()
  return row !== undefined && row.wrong >= patterns['wrong-factor'].threshold
}

type Failure = Place & {
  readonly method: Method
  readonly fault: FactorFault
  readonly counted: string
  /** The password was right: somebody else may know it. */
  readonly isSignIn: boolean
}

/** The trace of a refusal, which is durable before it is answered. */
export const recordFailure = (
  dependencies: ShowDependencies,
  { method, fault, counted, isSignIn, ...place }: Failure,
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    await lockUser(work, place.userId)
    const entry = { ...place, reason: fault, details: { method } }
    await recordEvent(dependencies, work, 'second-factor.failed', entry)
    const { userId, origin } = place
    if (!isSignIn || !(await areMany(work.db, counted))) return
    const seen = { pattern: 'wrong-factor', subject: userId, userId, origin } as const
    if (!(await raise(dependencies, work, [seen])).includes('wrong-factor')) return
    const values = { factor: method }
    await tellOwner(dependencies, work, { userId, origin, notice: 'factor-failed', values, secretId })
  })
