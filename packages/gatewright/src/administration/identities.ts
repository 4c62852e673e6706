import { type Origin, recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { lockAndGetUser } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'
import { rereadIssuers } from './issuers.ts'

type Dependencies = Granting & {
  readonly db: Database
  readonly clock: Clock
  readonly revocations: Pick<Revocations, 'apply'>
}

/** A subject of another issuer: the two together, never one of them. */
type Identity = { readonly issuer: string; readonly subject: string }
export type LinkedIdentity = Identity & { readonly linkedAt: number }
type Link = Identity & { readonly userId: string; readonly origin: Origin }

/** A user has few; this many are shown and allowed. */
const mostOfUser = 100

/** The subjects of other issuers that act for a user, oldest first. */
export const listIdentities = async (db: Database, userId: string): Promise<readonly LinkedIdentity[]> => {
  const rows = await db
    .selectFrom('identities')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .orderBy('issuer')
    .orderBy('subject')
    .limit(mostOfUser)
    .execute()
  return rows.map(({ issuer, subject, created_at }) => ({ issuer, subject, linkedAt: created_at }))
}

const isText = (text: string): boolean => text !== '' && text.length <= 1_000 && text.isWellFormed()

const hold = async (
  dependencies: Dependencies,
  work: Work,
  userId: string,
  caller: Caller | undefined,
): Promise<void> => {
  // Before any user's row: a cut-off of this kind asks the register of processes.
  await lockInstallation(work)
  await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
  const user = await lockAndGetUser(work, userId)
  if (user === undefined || user.deleted_at !== null) throw new Refusal('not_found')
}

const findOwner = async ({ db }: Work, { issuer, subject }: Identity): Promise<string | undefined> => {
  const row = await db
    .selectFrom('identities')
    .select('user_id')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return row?.user_id
}

const isFull = async ({ db }: Work, userId: string): Promise<boolean> => {
  const { count } = await db
    .selectFrom('identities')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return Number(count) >= mostOfUser
}

/**
 * Lets tokens of a subject of another issuer act for a user, where the issuer's entry asks for one. Never by an
 * address or a name: whoever calls this has decided that they are one person.
 * @param caller the administrator's session, where there is one; the command line has none
 * @returns whether it was not linked before
 * @throws Refusal `conflict` where it is linked to somebody else; `insufficient_permission` for a user who may do
 *   what the caller may not; `not_found`, `validation_failed`
 */
export const linkIdentity = async (
  dependencies: Dependencies,
  { issuer, subject, userId, origin }: Link,
  caller?: Caller,
): Promise<boolean> => {
  if (!isText(issuer) || !isText(subject)) throw new Refusal('validation_failed')
  return inTransaction(dependencies.db, async work => {
    await hold(dependencies, work, userId, caller)
    const owner = await findOwner(work, { issuer, subject })
    if (owner === userId) return false
    if (owner !== undefined || (await isFull(work, userId)))
      throw new Refusal('conflict', {
        detail:
          owner === undefined
            ? `A user has at most ${mostOfUser} of these.`
            : 'This subject acts for another user: unlink it there first.',
      })
    await work.db
      .insertInto('identities')
      .values({ issuer, subject, user_id: userId, created_at: dependencies.clock.now() })
      .execute()
    await rereadIssuers(dependencies, work, issuer)
    await recordEvent(dependencies, work, 'identity.linked', { origin, userId, details: { issuer, subject } })
    return true
  })
}

/**
 * Takes a link away: from then on tokens of that subject are refused, remembered ones as well.
 * @returns whether it was linked to this user
 * @throws Refusal as `linkIdentity`
 */
export const unlinkIdentity = (
  dependencies: Dependencies,
  { issuer, subject, userId, origin }: Link,
  caller?: Caller,
): Promise<boolean> =>
  inTransaction(dependencies.db, async work => {
    await hold(dependencies, work, userId, caller)
    const { numDeletedRows } = await work.db
      .deleteFrom('identities')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    if (numDeletedRows !== 1n) return false
    await rereadIssuers(dependencies, work, issuer)
    await recordEvent(dependencies, work, 'identity.unlinked', {
      origin,
      userId,
      details: { issuer, subject },
    })
    return true
  })
