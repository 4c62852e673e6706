import { recordEvent, systemOrigin } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import { newId, newSecret, type Random } from '../ground/random.ts'
import type { CodeRow, Database, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { lockAndGetUser } from '../users/users.ts'
import { type CodePurpose, codePurposes, endingPurposes, type Purpose } from './purposes.ts'

export type CodeDependencies = { readonly clock: Clock; readonly random: Random }

/** What a code stands for, as long as it is open. */
export type Code = Omit<CodeRow, 'data' | 'purpose'> & {
  readonly purpose: Purpose
  readonly data: Readonly<Record<string, unknown>>
}

export type NewCode = {
  readonly purpose: Purpose
  /** For a user: at the version that was read before what the code follows from was checked. */
  readonly user?: { readonly id: string; readonly version: number }
  /** The session that it belongs to, and ends with. */
  readonly sessionId?: string
  /** The address that it is sent to, as addresses are compared, where its reader is no user yet. */
  readonly addressKey?: string
  /** Facts that it carries, without secrets: whoever reads the table reads them. */
  readonly data?: Readonly<Record<string, unknown>>
  /** 256 bits of its own where somebody else must know them (a WebAuthn challenge); made here without a word. */
  readonly secret?: string
}

/** The secret is shown here once: the database keeps its SHA-256. */
export type MadeCode = { readonly id: string; readonly secret: string; readonly expiresAt: number }

const toRow = (
  { clock, random }: CodeDependencies,
  { purpose, user, sessionId, addressKey, data = {} }: NewCode,
  secret: string,
): CodeRow => {
  const now = clock.now()
  return {
    id: newId(random),
    purpose,
    secret_hash: sha256(secret),
    user_id: user?.id ?? null,
    session_id: sessionId ?? null,
    address_key: addressKey ?? null,
    data: JSON.stringify(data),
    attempts: 0,
    created_at: now,
    expires_at: now + codePurposes[purpose].lifetime,
  }
}

/** By one statement that holds the user's row: no row for one who changed since, or is disabled. */
const insertForUser = async ({ db, beforeLock }: Work, row: CodeRow, version: number): Promise<boolean> => {
  beforeLock('user')
  const names = Object.keys(row) as (keyof CodeRow)[]
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('codes')
    .columns(names)
    .expression(eb =>
      eb
        .selectFrom('users')
        .select(names.map(name => eb.val(row[name]).as(name)))
        .where('users.id', '=', row.user_id)
        .where('users.version', '=', version)
        .where('users.disabled_at', 'is', null)
        // A service follows no link.
        .where('users.kind', '=', 'user')
        .forNoKeyUpdate(),
    )
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}

const recordLink = async (
  { clock }: CodeDependencies,
  work: Work,
  { id, user_id }: CodeRow,
  purpose: Purpose,
): Promise<void> => {
  const { isRecorded = false }: CodePurpose = codePurposes[purpose]
  const whose = user_id === null ? {} : { userId: user_id }
  const entry = { origin: systemOrigin, reason: purpose, details: { link: id }, ...whose }
  if (isRecorded) await recordEvent({ clock }, work, 'link.made', entry)
}

/**
 * Makes a code that is good once, for its purpose, until its time.
 * @returns undefined where the user changed since the version that was read, or is disabled: check again
 */
export const makeCode = async (
  dependencies: CodeDependencies,
  work: Work,
  code: NewCode,
): Promise<MadeCode | undefined> => {
  const { secret = newSecret(dependencies.random) } = code
  const row = toRow(dependencies, code, secret)
  if (code.user === undefined) await work.db.insertInto('codes').values(row).execute()
  else if (!(await insertForUser(work, row, code.user.version))) return undefined
  await recordLink(dependencies, work, row, code.purpose)
  return { id: row.id, secret, expiresAt: row.expires_at }
}

type Shown = { readonly purpose: Purpose; readonly secret: string }

const selectOpen = (db: Database, { clock }: Pick<CodeDependencies, 'clock'>, { purpose, secret }: Shown) =>
  db
    .selectFrom('codes')
    .selectAll()
    .where('secret_hash', '=', sha256(secret))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', clock.now())

const toCode = ({ data, ...row }: CodeRow): Code => ({
  ...row,
  purpose: row.purpose as Purpose,
  data: JSON.parse(data),
})

/**
 * Looks at a code without using it: to ask for what is missing, or to do what costs before the transaction.
 * What it says may be over at the next moment; only {@link consumeCode} decides.
 */
export const findCode = async (
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  shown: Shown,
): Promise<Code | undefined> => {
  const row = await selectOpen(db, { clock }, shown).executeTakeFirst()
  return row && toCode(row)
}

/**
 * Counts one more attempt against a code before it is checked what was shown with it: one statement, so that
 * any number at once count one each.
 * @returns undefined for one that is not open, or has no attempt left
 */
export const countAttempt = async (
  { clock }: Pick<CodeDependencies, 'clock'>,
  { db }: { readonly db: Database },
  { purpose, secret }: Shown,
): Promise<Code | undefined> => {
  const { attempts: most = 1 }: CodePurpose = codePurposes[purpose]
  const row = await db
    .updateTable('codes')
    .set(eb => ({ attempts: eb('attempts', '+', 1) }))
    .where('secret_hash', '=', sha256(secret))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', clock.now())
    .where('attempts', '<', most)
    .returningAll()
    .executeTakeFirst()
  return row && toCode(row)
}

type Taken = Code & { readonly user: UserRow | undefined }

/**
 * Takes a code once: of any number at once one gets it. Holds its user's row from then on.
 * @returns the code with its user as that is now, or undefined for one that was used, has expired, ended, or is
 *   for something else: nobody is told which
 */
export const consumeCode = async (
  { clock }: Pick<CodeDependencies, 'clock'>,
  work: Work,
  shown: Shown,
): Promise<Taken | undefined> => {
  const row = await selectOpen(work.db, { clock }, shown).executeTakeFirst()
  if (row === undefined) return undefined
  const user = row.user_id === null ? undefined : await lockAndGetUser(work, row.user_id)
  if (row.user_id !== null && (user === undefined || user.disabled_at !== null)) return undefined
  const { numDeletedRows } = await work.db.deleteFrom('codes').where('id', '=', row.id).executeTakeFirst()
  return numDeletedRows === 1n ? { ...toCode(row), user } : undefined
}

/** Ends what these sessions have open, for their own use. */
export const endCodesOf = async (
  { db }: Work,
  sessions: readonly { readonly id: string }[],
): Promise<void> => {
  const ids = sessions.map(({ id }) => id)
  await db.deleteFrom('codes').where('session_id', 'in', ids).execute()
}

/** Ends a user's open codes and links of these purposes. In a transaction that holds the user's row. */
export const endCodes = async (
  { db }: Work,
  userId: string,
  purposes: readonly Purpose[] = endingPurposes,
): Promise<void> => {
  await db.deleteFrom('codes').where('user_id', '=', userId).where('purpose', 'in', purposes).execute()
}

/** Ends what was sent to an address for this purpose. */
export const endCodesTo = async ({ db }: Work, purpose: Purpose, addressKey: string): Promise<void> => {
  await db.deleteFrom('codes').where('purpose', '=', purpose).where('address_key', '=', addressKey).execute()
}
