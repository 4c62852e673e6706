import { type Origin, recordEvent } from '../audit/record.ts'
import { type CodeDependencies, endCodesTo, makeCode } from '../codes/codes.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Settings } from '../ground/settings.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import type { Granting } from '../permissions/granted.ts'
import { holdRoles } from '../permissions/made-roles.ts'
import { neededToGive } from '../permissions/needed-to-give.ts'
import type { Processes } from '../processes/processes.ts'
import { type Caller, holdPermissions } from '../sessions/hold-session.ts'
import { type Invited, toInvited } from '../sign-in/invitation.ts'
import type { CodeRow, Database, UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { type Locale, toLocale } from '../users/locale.ts'
import { emailKey, lockAndGetUser, type Page } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'
import { holdGiver } from './users.ts'

type Dependencies = CodeDependencies &
  MailDependencies &
  Granting & {
    readonly db: Database
    readonly processes: Pick<Processes, 'secretInForce'>
    readonly settings: Pick<Settings, 'registration'>
  }

/** One that is open. */
export type Invitation = Invited & {
  readonly id: string
  /** The name of whoever invited; null for the command line. */
  readonly invitedBy: string | null
  readonly createdAt: number
  readonly expiresAt: number
}

export type NewInvitation = Invited & {
  /** The language of the mail; without a word that of whoever invites. */
  readonly locale?: Locale | undefined
}

/** @throws Refusal `conflict` where an invitation would reach nobody, or open nothing */
const checkUsable = ({ mail, settings }: Pick<Dependencies, 'mail' | 'settings'>): void => {
  if (settings.registration === 'closed')
    throw new Refusal('conflict', {
      detail: 'Registration is closed here (REGISTRATION=closed): an invitation would open nothing.',
      reason: 'registration_closed',
    })
  if (!mail.isOn)
    throw new Refusal('conflict', {
      detail: 'This server sends no mail (MAIL=off), and an invitation comes by mail alone.',
      reason: 'mail_off',
    })
}

/** The caller's own row, held, of a session that goes on and that may still give this. */
const holdInviter = async (
  dependencies: Dependencies,
  work: Work,
  caller: Caller | undefined,
  roles: readonly string[],
): Promise<UserRow | undefined> => {
  await holdGiver(dependencies, work, caller, { roles })
  return caller && lockAndGetUser(work, caller.userId)
}

/**
 * Whoever was invited is as good as there: nobody takes away, or puts another in the place of, what they may not
 * give. To be called after the caller was held.
 * @throws Refusal `insufficient_permission`
 */
const holdGivenBy = async (
  dependencies: Dependencies,
  work: Work,
  caller: Caller | undefined,
  invitations: readonly Pick<CodeRow, 'data'>[],
): Promise<void> => {
  if (caller === undefined) return
  const roles = invitations.flatMap(({ data }) => toInvited({ data: JSON.parse(data) }).roles)
  const roleTable = await holdRoles(dependencies.roleTable, work, roles)
  await holdPermissions(dependencies, work, caller, neededToGive({ roleTable }, roles))
}

const writeInvitation = async (
  dependencies: Dependencies,
  work: Work,
  { email, roles }: Invited,
  { inviter, caller }: { readonly inviter: UserRow | undefined; readonly caller: Caller | undefined },
) => {
  const addressKey = emailKey(email)
  const open = selectOpen(work.db, dependencies.clock)
    .selectAll('codes')
    .where('address_key', '=', addressKey)
  await holdGivenBy(dependencies, work, caller, await open.execute())
  // The newest one counts: whoever is invited again has one link.
  await endCodesTo(work, 'invitation', addressKey)
  const code = await makeCode(dependencies, work, {
    purpose: 'invitation',
    ...(inviter && { user: { id: inviter.id, version: inviter.version } }),
    addressKey,
    data: { email, roles },
  })
  // The inviter's row is held: this is a disabled one, whose sessions have ended.
  if (code === undefined) throw new Refusal('session_ended')
  return code
}

/**
 * Invites somebody by mail, to register with these roles within seven days. The link is for whoever reads the mail:
 * nobody else is shown it, the inviter neither.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `insufficient_permission` where a role allows what the caller may not do, or one of an invitation
 *   in whose place this one would be; `conflict` where no mail is sent or registration is closed
 */
export const invite = async (
  dependencies: Dependencies,
  { email, roles: asked, locale }: NewInvitation,
  origin: Origin,
  caller?: Caller,
): Promise<Invitation> => {
  checkUsable(dependencies)
  const roles = [...new Set(asked)].sort()
  return inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    const inviter = await holdInviter(dependencies, work, caller, roles)
    const { id, secret, expiresAt } = await writeInvitation(
      dependencies,
      work,
      { email, roles },
      { inviter, caller },
    )
    await recordEvent(dependencies, work, 'user.invited', { origin, details: { invitation: id, roles } })
    const content = {
      letter: 'invitation',
      to: email,
      locale: locale ?? toLocale(inviter?.locale ?? 'en'),
      values: { ...(inviter && { inviter: inviter.username }) },
      links: { invitation: secret },
    } as const
    await queueMail(dependencies, work, { content, secretId })
    const invitedBy = inviter?.username ?? null
    return { id, email, roles, invitedBy, createdAt: dependencies.clock.now(), expiresAt }
  })
}

const selectOpen = (db: Database, clock: Clock) =>
  db.selectFrom('codes').where('purpose', '=', 'invitation').where('expires_at', '>', clock.now())

/** One page of the invitations that are open, newest first, and how many there are in all. */
export const listInvitations = async (
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  { page, perPage }: Page,
): Promise<{ readonly invitations: readonly Invitation[]; readonly total: number }> => {
  const rows = await selectOpen(db, clock)
    .leftJoin('users', 'users.id', 'codes.user_id')
    .select(['codes.id', 'codes.data', 'codes.created_at', 'codes.expires_at', 'users.username'])
    .orderBy('codes.created_at', 'desc')
    .orderBy('codes.id')
    .limit(perPage)
    .offset((page - 1) * perPage)
    .execute()
  const { total } = await selectOpen(db, clock)
    .select(eb => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  const invitations = rows.map(row => ({
    id: row.id,
    ...toInvited({ data: JSON.parse(row.data) }),
    invitedBy: row.username,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }))
  return { invitations, total: Number(total) }
}

const notOpen =
  'No invitation with this id is open: it was used or taken back, its time is over, it ended with its inviter, or it never was.'

/**
 * Takes an invitation back: its link opens nothing from then on.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `not_found` for one that is not open; `insufficient_permission` for one that gives what the caller
 *   may not
 */
export const revokeInvitation = (
  dependencies: Dependencies,
  { id, origin, caller }: { readonly id: string; readonly origin: Origin; readonly caller?: Caller },
): Promise<void> =>
  inTransaction(dependencies.db, async work => {
    await holdAdministrator(dependencies, work, caller, { needed: ['users:write'] })
    const open = selectOpen(work.db, dependencies.clock).selectAll('codes').where('id', '=', id)
    await holdGivenBy(dependencies, work, caller, await open.execute())
    const { numDeletedRows } = await work.db
      .deleteFrom('codes')
      .where('id', '=', id)
      .where('purpose', '=', 'invitation')
      .where('expires_at', '>', dependencies.clock.now())
      .executeTakeFirst()
    if (numDeletedRows !== 1n) throw new Refusal('not_found', { detail: notOpen })
    await recordEvent(dependencies, work, 'invitation.revoked', { origin, details: { invitation: id } })
  })
