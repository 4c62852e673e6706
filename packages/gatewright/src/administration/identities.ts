import { type Origin, recordEvent } from '../audit/record.ts'
import { Refusal } from '../ground/refusal.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { Granting } from '../permissions/granted.ts'
import type { Caller } from '../sessions/hold-session.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { getPerson, lockUser } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'
import { isIssuerName, rereadIssuers } from './issuers.ts'

type Dependencies = SessionDependencies & MailDependencies & Granting & { readonly db: Database }

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

/**
 * The user, held. A service is none: its programs show API keys, and it belongs to no single person whom a subject
 * elsewhere could be.
 * @returns the secret in force, for what is told
 */
const hold = async (
  dependencies: Dependencies,
  work: Work,
  userId: string,
  caller: Caller | undefined,
): Promise<string> => {
  // Before any user's row: a cut-off of this kind asks the register of processes.
  await lockInstallation(work)
  const secretId = await dependencies.processes.secretInForce(work)
  await holdAdministrator(dependencies, work, caller, { needed: ['users:write'], over: userId })
  await lockUser(work, userId)
  await getPerson(work.db, userId)
  return secretId
}

type Change = {
  readonly event: 'identity.linked' | 'identity.unlinked'
  readonly notice: 'identity-linked' | 'identity-unlinked'
  readonly secretId: string
  /** Who denies it takes away what was linked since then: this link as well, however long the rest takes. */
  readonly since?: number
}

/** What follows from either: every process reads it again, it stands in the audit log, and the owner is told. */
const follow = async (
  dependencies: Dependencies,
  work: Work,
  { issuer, subject, userId, origin }: Link,
  { event, notice, secretId, since }: Change,
): Promise<void> => {
  await rereadIssuers(dependencies, work, issuer)
  await recordEvent(dependencies, work, event, { origin, userId, details: { issuer, subject } })
  const at = since === undefined ? {} : { since }
  await tellOwner(dependencies, work, { userId, notice, values: { issuer }, origin, secretId, ...at })
}

const conflict = (detail: string): Refusal => new Refusal('conflict', { detail })

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
  link: Link,
  caller?: Caller,
): Promise<boolean> => {
  const { issuer, subject, userId } = link
  if (!isIssuerName(issuer) || !isText(subject)) throw new Refusal('validation_failed')
  return inTransaction(dependencies.db, async work => {
    const secretId = await hold(dependencies, work, userId, caller)
    const owner = await findOwner(work, link)
    if (owner === userId) return false
    if (owner !== undefined) throw conflict('This subject acts for another user: unlink it there first.')
    if (await isFull(work, userId)) throw conflict(`A user has at most ${mostOfUser} of these.`)
    const row = { issuer, subject, user_id: userId, created_at: dependencies.clock.now() }
    await work.db.insertInto('identities').values(row).execute()
    const told = { event: 'identity.linked', notice: 'identity-linked', secretId } as const
    await follow(dependencies, work, link, { ...told, since: row.created_at })
    return true
  })
}

/**
 * Takes a link away: from then on tokens of that subject are refused, remembered ones as well.
 * @returns whether it was linked to this user
 * @throws Refusal as `linkIdentity`
 */
export const unlinkIdentity = (dependencies: Dependencies, link: Link, caller?: Caller): Promise<boolean> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await hold(dependencies, work, link.userId, caller)
    const { numDeletedRows } = await work.db
      .deleteFrom('identities')
      .where('issuer', '=', link.issuer)
      .where('subject', '=', link.subject)
      .where('user_id', '=', link.userId)
      .executeTakeFirst()
    if (numDeletedRows !== 1n) return false
    const change = { event: 'identity.unlinked', notice: 'identity-unlinked', secretId } as const
    await follow(dependencies, work, link, change)
    return true
  })
