import { type Clock, minute } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database, TotpFactorRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { type Match, matchCode, newTotpSecret, type TotpSecret } from './totp.ts'

/** How long a secret that was shown waits for its first code. */
const enrolmentLifetime = 10 * minute

type Sealing = { readonly secrets: Pick<Secrets, 'seal' | 'open'> }
type Dependencies = Sealing & { readonly clock: Clock; readonly random: Random }

export const findTotp = (db: Database, userId: string): Promise<TotpFactorRow | undefined> =>
  db.selectFrom('totp_factors').selectAll().where('user_id', '=', userId).executeTakeFirst()

export const openTotp = ({ secrets }: Sealing, { id, secret }: TotpFactorRow): TotpSecret =>
  secrets.open('totp', id, secret)

/** What a code is to the user's app. Opened for this one comparison only. */
export const matchTotp = (
  { secrets, clock }: Pick<Dependencies, 'secrets' | 'clock'>,
  row: TotpFactorRow,
  typed: string,
): Match => matchCode(openTotp({ secrets }, row), typed, { now: clock.now(), lastStep: row.last_step })

/**
 * Takes the code of a step: of any number of uses at once one gets it, and no code of this step or of one before
 * is ever taken again. By the factor's own id: one that was removed and set up anew is another one.
 */
export const takeStep = async (
  { clock }: { readonly clock: Clock },
  { db }: Work,
  { id, step }: { readonly id: string; readonly step: number },
): Promise<boolean> => {
  const { numUpdatedRows } = await db
    .updateTable('totp_factors')
    .set({ last_step: step, last_used_at: clock.now() })
    .where('id', '=', id)
    .where('last_step', '<', step)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

type Owner = { readonly userId: string; readonly sessionId: string }

/**
 * A new secret for the session that asks for it; another one that it was shown before is forgotten. In a
 * transaction that holds the session.
 * @param secretId the secret in force, asked before the user's row was locked
 */
export const beginEnrolment = async (
  { clock, random, secrets }: Dependencies,
  { db }: Work,
  { userId, sessionId }: Owner,
  secretId: string,
): Promise<TotpSecret> => {
  const secret = newTotpSecret(random)
  const row = {
    secret: secrets.seal('totp', sessionId, secret, secretId),
    expires_at: clock.now() + enrolmentLifetime,
  }
  await db
    .insertInto('totp_enrolments')
    .values({ session_id: sessionId, user_id: userId, ...row })
    .onConflict(conflict => conflict.column('session_id').doUpdateSet(row))
    .execute()
  return secret
}

/** The secret that this session was shown, and no other session. */
export const findEnrolment = async (
  { secrets, clock }: Pick<Dependencies, 'secrets' | 'clock'>,
  db: Database,
  { userId, sessionId }: Owner,
): Promise<TotpSecret | undefined> => {
  const row = await db
    .selectFrom('totp_enrolments')
    .select('secret')
    .where('session_id', '=', sessionId)
    .where('user_id', '=', userId)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  return row && secrets.open('totp', sessionId, row.secret)
}

/** The app is a factor from now on. The code that proved it is used up. */
export const insertTotp = async (
  { clock, random, secrets }: Dependencies,
  { db }: Work,
  {
    userId,
    secret,
    step,
    secretId,
  }: {
    readonly userId: string
    readonly secret: TotpSecret
    readonly step: number
    readonly secretId: string
  },
): Promise<void> => {
  const id = newId(random)
  const now = clock.now()
  const sealed = secrets.seal('totp', id, secret, secretId)
  const times = { last_step: step, created_at: now, last_used_at: now }
  await db
    .insertInto('totp_factors')
    .values({ id, user_id: userId, secret: sealed, ...times })
    .execute()
  await dropEnrolments({ db }, userId)
}

const dropEnrolments = async ({ db }: Pick<Work, 'db'>, userId: string): Promise<void> => {
  await db.deleteFrom('totp_enrolments').where('user_id', '=', userId).execute()
}

/** @returns whether there was one */
export const dropTotp = async ({ db }: Work, userId: string): Promise<boolean> => {
  const { numDeletedRows } = await db
    .deleteFrom('totp_factors')
    .where('user_id', '=', userId)
    .executeTakeFirst()
  await dropEnrolments({ db }, userId)
  return numDeletedRows === 1n
}
