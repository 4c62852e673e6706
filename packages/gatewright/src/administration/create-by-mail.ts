import type { Origin } from '../audit/record.ts'
import { makeCode } from '../codes/codes.ts'
import { Refusal } from '../ground/refusal.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import type { Granting } from '../permissions/granted.ts'
import { readRolesNow } from '../permissions/made-roles.ts'
import { administratorRole } from '../permissions/roles.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { addUser, parseName, type RegisterDependencies } from '../sign-in/register.ts'
import { lockInstallation } from '../storage/installation.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import type { Locale } from '../users/locale.ts'
import type { User } from '../users/users.ts'
import { checkRoles, holdGiver } from './users.ts'

type Dependencies = RegisterDependencies & MailDependencies & Granting

export type UserByMail = {
  readonly username: string
  readonly email: string
  readonly roles: readonly string[]
  /** The language of mail to the user. */
  readonly locale?: Locale | undefined
}

/**
 * Mails the link by which whoever has no password chooses the first one, and shows the address to be the own one.
 * @returns until when it is good; undefined for a user who is disabled, or has changed since
 */
export const mailFirstLink = async (
  dependencies: MailDependencies,
  work: Work,
  {
    id: userId,
    version,
    username,
    email,
    locale,
  }: Pick<User, 'id' | 'version' | 'username' | 'locale'> & { readonly email: string },
  secretId: string,
): Promise<number | undefined> => {
  const code = { purpose: 'first-password', user: { id: userId, version }, data: { email } } as const
  const made = await makeCode(dependencies, work, code)
  if (made === undefined) return undefined
  const content = {
    letter: 'account-created',
    to: email,
    locale,
    values: { username },
    links: { first: made.secret },
  } as const
  await queueMail(dependencies, work, { content, userId, secretId })
  return made.expiresAt
}

/** @throws Refusal `conflict` */
const checkMailIsOn = ({ mail }: Pick<Dependencies, 'mail'>): void => {
  if (mail.isOn) return
  throw new Refusal('conflict', {
    detail: 'This server sends no mail (MAIL=off), and the link to choose a password comes by mail alone.',
    reason: 'mail_off',
  })
}

/**
 * Creates a user without a password, and mails a link by which its owner chooses one within seven days: nobody else
 * ever sets or sees it. Until then nobody signs in as that user. Reserved names are allowed here.
 * @param caller the administrator's session, where there is one; the command line has none
 * @throws Refusal `username_taken`; `insufficient_permission` where a role allows what the caller may not do;
 *   `conflict` where no mail is sent
 */
export const createUserByMail = async (
  dependencies: Dependencies,
  { username, email, roles: asked, locale }: UserByMail,
  origin: Origin,
  caller?: Caller,
): Promise<{ readonly user: User; readonly linkExpiresAt: number }> => {
  checkMailIsOn(dependencies)
  const name = parseName(username, 'allow')
  const roles = [...new Set(asked)]
  checkRoles({ roleTable: await readRolesNow(dependencies.roleTable, dependencies.db, roles) }, roles)
  return inTransaction(dependencies.db, async work => {
    if (roles.includes(administratorRole)) await lockInstallation(work)
    const secretId = await dependencies.processes.secretInForce(work)
    await holdGiver(dependencies, work, caller, { roles })
    const prepared = { ...name, email, passwordHash: null, fields: {}, locale }
    const made = { roles, origin, secretId, event: 'user.created', details: { by_mail: true } } as const
    const user = await addUser(dependencies, work, prepared, made)
    const linkExpiresAt = await mailFirstLink(dependencies, work, { ...user, email }, secretId)
    if (linkExpiresAt === undefined) throw new TypeError('a user who was inserted is there')
    return { user, linkExpiresAt }
  })
}
