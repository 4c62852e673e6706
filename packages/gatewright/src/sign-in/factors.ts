import type { Expression } from 'kysely'
import { hasRecoveryCode, takeRecoveryCode } from '../factors/recovery-codes.ts'
import { findTotp, matchTotp, takeStep } from '../factors/totp-factors.ts'
import type { Clock } from '../ground/clock.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { AssertionResponse } from '../passkeys/responses.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import {
  judgePasskey,
  type PasskeyDependencies,
  type PasskeyFault,
  type PasskeyPlace,
  usePasskey,
} from './shown-passkey.ts'

export type FactorDependencies = PasskeyDependencies & {
  readonly db: Database
  readonly clock: Clock
  readonly secrets: Secrets
}

/** What is shown as a second factor: a code, or what a browser's WebAuthn gave. */
export type Shown = {
  readonly userId: string
  readonly code?: string | undefined
  readonly response?: AssertionResponse | undefined
  /** What the response must answer: made here, for this user and this occasion. */
  readonly challenge?: string | undefined
}

/** Why what was shown is refused, for the audit log. */
export type FactorFault =
  | 'wrong_code'
  | 'replayed_code'
  | 'no_such_factor'
  | 'factor_not_shown'
  | 'throttled'
  | 'challenge_over'
  | PasskeyFault

/**
 * What was shown is right as far as can be seen without a lock. `take` uses it up, in a transaction that holds the
 * user's row: of any number at once one gets no fault. What is written for the others (that a passkey is a clone) stays.
 */
export type Checked =
  | { readonly take: (work: Work, place: PasskeyPlace) => Promise<FactorFault | undefined> }
  | { readonly fault: FactorFault }

/** A kind of second factor: one row each. */
export type Factor = {
  /** Proofs that it adds to a session (RFC 8176); `mfa` is added by whoever asks for a second factor. */
  readonly amr: readonly string[]
  /** It only stands in for a factor: whoever has nothing else has no second factor. */
  readonly isSpare?: true
  /** Nobody can guess it: guesses are counted, so that its owner is told of them, and delay nobody. */
  readonly isKey?: true
  /** The rows by which this user has one: all methods are asked for by one statement. */
  readonly held: (db: Database, userId: string) => Expression<object>
  /** Before any transaction: it may cost time. */
  readonly check: (dependencies: FactorDependencies, shown: Shown) => Promise<Checked>
}

const once =
  (take: (work: Work) => Promise<boolean>) =>
  async (work: Work): Promise<FactorFault | undefined> =>
    (await take(work)) ? undefined : 'replayed_code'

const checkTotp: Factor['check'] = async (dependencies, { userId, code }) => {
  if (code === undefined) return { fault: 'factor_not_shown' }
  const row = await findTotp(dependencies.db, userId)
  if (row === undefined) return { fault: 'no_such_factor' }
  const match = matchTotp(dependencies, row, code)
  if (match === 'wrong') return { fault: 'wrong_code' }
  if (match === 'replayed') return { fault: 'replayed_code' }
  const { step } = match
  return { take: once(work => takeStep(dependencies, work, { id: row.id, step })) }
}

const checkRecoveryCode: Factor['check'] = async ({ db }, { userId, code }) => {
  if (code === undefined) return { fault: 'factor_not_shown' }
  if (!(await hasRecoveryCode(db, userId, code))) return { fault: 'wrong_code' }
  return { take: once(work => takeRecoveryCode(work, userId, code)) }
}

const checkPasskey: Factor['check'] = async (dependencies, { userId, response, challenge }) => {
  if (response === undefined) return { fault: 'factor_not_shown' }
  if (challenge === undefined) return { fault: 'passkey_challenge' }
  const judged = await judgePasskey(dependencies, { response, challenge, userId })
  if ('fault' in judged) return { fault: judged.fault }
  return { take: (work, place) => usePasskey(dependencies, work, judged, place) }
}

/** In the order in which a user is asked. */
export const factors = {
  passkey: {
    amr: ['pop'],
    isKey: true,
    // One that was cloned as well: else cloning it would leave the password alone.
    held: (db, userId) => db.selectFrom('passkeys').select('id').where('user_id', '=', userId),
    check: checkPasskey,
  },
  totp: {
    amr: ['otp'],
    held: (db, userId) => db.selectFrom('totp_factors').select('id').where('user_id', '=', userId),
    check: checkTotp,
  },
  recovery_code: {
    amr: ['otp'],
    isSpare: true,
    held: (db, userId) => db.selectFrom('recovery_codes').select('code_hash').where('user_id', '=', userId),
    check: checkRecoveryCode,
  },
} as const satisfies Readonly<Record<string, Factor>>

export type Method = keyof typeof factors

/** What the table says of a method. */
export const factorOf = (method: Method): Factor => factors[method]

export const methods = Object.keys(factors) as readonly Method[]

/** The methods by which this user can show a second factor; none where the password is all there is. */
export const listMethods = async (db: Database, userId: string): Promise<readonly Method[]> => {
  const row = await db
    .selectNoFrom(({ exists }) => methods.map(method => exists(factorOf(method).held(db, userId)).as(method)))
    .executeTakeFirstOrThrow()
  const held = methods.filter(method => Boolean(row[method]))
  return held.some(method => factorOf(method).isSpare !== true) ? held : []
}

/** Whether the password alone is not enough. */
export const hasSecondFactor = async (db: Database, userId: string): Promise<boolean> =>
  (await listMethods(db, userId)).length > 0

/** Since when the password alone is not enough; undefined where it is. */
export const findFirstFactorTime = async (db: Database, userId: string): Promise<number | undefined> => {
  const timesOf = (table: 'totp_factors' | 'passkeys') =>
    db.selectFrom(table).select('created_at').where('user_id', '=', userId)
  const rows = await timesOf('totp_factors').unionAll(timesOf('passkeys')).execute()
  return rows.length === 0 ? undefined : Math.min(...rows.map(row => row.created_at))
}

/** All proofs of one session, in the order in which they were shown, each once. */
export const joinProofs = (...proofs: readonly (readonly string[])[]): readonly string[] => [
  ...new Set(proofs.flat()),
]
