import { countRecoveryCodes, hasRecoveryCode, takeRecoveryCode } from '../factors/recovery-codes.ts'
import { findTotp, matchTotp, takeStep } from '../factors/totp-factors.ts'
import type { Clock } from '../ground/clock.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

export type FactorDependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly secrets: Secrets
}

/** What is shown as a second factor: a code, or what a browser's WebAuthn gave. */
export type Shown = {
  readonly userId: string
  readonly code?: string | undefined
  readonly response?: unknown
}

/** Why what was shown is refused, for the audit log. */
export type FactorFault =
  | 'wrong_code'
  | 'replayed_code'
  | 'no_such_factor'
  | 'factor_not_shown'
  | 'throttled'
  | 'challenge_over'

/**
 * What was shown is right as far as can be seen without a lock. `take` uses it up, in a transaction that holds the
 * user's row: of any number at once one gets `true`, and nothing is written for the others.
 */
export type Checked = { readonly take: (work: Work) => Promise<boolean> } | { readonly fault: FactorFault }

/** A kind of second factor: one row each. */
export type Factor = {
  /** Proofs that it adds to a session (RFC 8176); `mfa` is added by whoever asks for a second factor. */
  readonly amr: readonly string[]
  /** It only stands in for a factor: whoever has nothing else has no second factor. */
  readonly isSpare?: true
  readonly isHeld: (db: Database, userId: string) => Promise<boolean>
  /** Before any transaction: it may cost time. */
  readonly check: (dependencies: FactorDependencies, shown: Shown) => Promise<Checked>
}

const checkTotp: Factor['check'] = async (dependencies, { userId, code }) => {
  if (code === undefined) return { fault: 'factor_not_shown' }
  const row = await findTotp(dependencies.db, userId)
  if (row === undefined) return { fault: 'no_such_factor' }
  const match = matchTotp(dependencies, row, code)
  if (match === 'wrong') return { fault: 'wrong_code' }
  if (match === 'replayed') return { fault: 'replayed_code' }
  const { step } = match
  return { take: work => takeStep(dependencies, work, { id: row.id, step }) }
}

const checkRecoveryCode: Factor['check'] = async ({ db }, { userId, code }) => {
  if (code === undefined) return { fault: 'factor_not_shown' }
  if (!(await hasRecoveryCode(db, userId, code))) return { fault: 'wrong_code' }
  return { take: work => takeRecoveryCode(work, userId, code) }
}

/** In the order in which a user is asked. */
export const factors = {
  totp: {
    amr: ['otp'],
    isHeld: async (db, userId) => (await findTotp(db, userId)) !== undefined,
    check: checkTotp,
  },
  recovery_code: {
    amr: ['otp'],
    isSpare: true,
    isHeld: async (db, userId) => (await countRecoveryCodes(db, userId)).left > 0,
    check: checkRecoveryCode,
  },
} as const satisfies Readonly<Record<string, Factor>>

export type Method = keyof typeof factors

/** What the table says of a method. */
export const factorOf = (method: Method): Factor => factors[method]

export const methods = Object.keys(factors) as readonly Method[]

/** The methods by which this user can show a second factor; none where the password is all there is. */
export const listMethods = async (db: Database, userId: string): Promise<readonly Method[]> => {
  const held: Method[] = []
  for (const method of methods) if (await factorOf(method).isHeld(db, userId)) held.push(method)
  return held.some(method => factorOf(method).isSpare !== true) ? held : []
}

/** Whether the password alone is not enough. */
export const hasSecondFactor = async (db: Database, userId: string): Promise<boolean> =>
  (await listMethods(db, userId)).length > 0

/** That more than one factor was shown (RFC 8176). */
export const multiFactor = 'mfa'

/** All proofs of one session, in the order in which they were shown, each once. */
export const joinProofs = (...proofs: readonly (readonly string[])[]): readonly string[] => [
  ...new Set(proofs.flat()),
]
