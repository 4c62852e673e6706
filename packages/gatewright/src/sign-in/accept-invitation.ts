import type { Origin } from '../audit/record.ts'
import { consumeCode, endCodesTo, findCode } from '../codes/codes.ts'
import type { Refusal } from '../ground/refusal.ts'
import { holdRoles } from '../permissions/made-roles.ts'
import { neededToGive } from '../permissions/needed-to-give.ts'
import { reaches } from '../permissions/reach.ts'
import { administratorRole, permissionsOf, type RoleTable } from '../permissions/roles.ts'
import type { Processes } from '../processes/processes.ts'
import { lockInstallation } from '../storage/installation.ts'
import type { UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { isUniqueRefused } from '../storage/unique-refused.ts'
import { emailKey, isVerified, listRoles, type User } from '../users/users.ts'
import { toQueueCaller } from './check-password.ts'
import { toInvited } from './invitation.ts'
import {
  addUser,
  checkInvited,
  prepareUser,
  type RegisterDependencies,
  type Registration,
} from './register.ts'
import { refuseLink } from './shown-link.ts'

type Dependencies = RegisterDependencies & {
  readonly roleTable: RoleTable
  readonly processes: Pick<Processes, 'secretInForce'>
}

/** The secret of the link. The address is the one that it was sent to, and no other. */
type Acceptance = Omit<Registration, 'email'> & { readonly invitation: string }
type Prepared = Awaited<ReturnType<typeof prepareUser>>
type Shown = {
  readonly invitation: string
  readonly roles: readonly string[]
  readonly prepared: Prepared
  readonly origin: Origin
}

/**
 * Whether the inviter may still give these roles, by the permissions of this moment. Its row is held: nobody
 * changes them until the new user is there.
 */
const mayGive = async (
  dependencies: Pick<Dependencies, 'roleTable'>,
  work: Work,
  inviter: UserRow | undefined,
  roles: readonly string[],
): Promise<boolean> => {
  const ofInviter = inviter === undefined ? [] : await listRoles(work.db, inviter.id)
  const roleTable = await holdRoles(dependencies.roleTable, work, [...roles, ...ofInviter])
  if (!roles.every(role => roleTable.roles.has(role))) return false
  if (inviter === undefined) return true
  const held = { roles: ofInviter, permissions: permissionsOf(roleTable, ofInviter) }
  return reaches(roleTable, held, neededToGive({ roleTable }, roles))
}

const accept = async (
  dependencies: Dependencies,
  work: Work,
  { invitation, roles, prepared, origin }: Shown,
): Promise<User | Refusal> => {
  // In their order: the installation's row before the inviter's.
  if (roles.includes(administratorRole)) await lockInstallation(work)
  const secretId = await dependencies.processes.secretInForce(work)
  const code = await consumeCode(dependencies, work, { purpose: 'invitation', secret: invitation })
  if (code === undefined) return refuseLink(dependencies, work, 'invitation', { origin })
  const { email, roles: given } = toInvited(code)
  if (!(await mayGive(dependencies, work, code.user, given)))
    return refuseLink(dependencies, work, 'invitation', { origin, ...(code.user && { user: code.user }) })
  await endCodesTo(work, 'invitation', emailKey(email))
  // The link came by mail. Of an address that somebody has verified before, nothing is told and nothing taken.
  const emailVerified = !(await isVerified(work.db, email))
  return addUser(
    dependencies,
    work,
    { ...prepared, emailVerified },
    {
      roles: given,
      origin,
      event: 'user.registered',
      secretId,
      details: { invitation: code.id, invited_by: code.user_id ?? 'command-line' },
    },
  )
}

/** Another may verify the address at the same moment: then it is theirs, and this runs once more. */
const acceptOnce = async (dependencies: Dependencies, shown: Shown): Promise<User> => {
  const attempt = () => inTransaction<User>(dependencies.db, work => accept(dependencies, work, shown))
  return attempt().catch(error => {
    if (isUniqueRefused(error)) return attempt()
    throw error
  })
}

/**
 * Registers whoever holds the link of an invitation, with its roles and its address, which counts as verified.
 * The link is looked at before the password is hashed, and taken with the user's insertion: of any number who
 * use it at once one registers. What the inviter may not give at that moment, nobody gets, and the link is gone.
 * A name that is taken leaves it good.
 * @throws Refusal `invalid_link`, and as `register` does
 */
export const acceptInvitation = async (
  dependencies: Dependencies,
  { invitation, ...registration }: Acceptance,
  origin: Origin,
  gone?: AbortSignal,
): Promise<User> => {
  checkInvited(dependencies.settings)
  const { db } = dependencies
  const found = await findCode(dependencies, { purpose: 'invitation', secret: invitation })
  if (found === undefined)
    return inTransaction<User>(db, work => refuseLink(dependencies, work, 'invitation', { origin }))
  const { email, roles } = toInvited(found)
  const caller = toQueueCaller(origin, { gone })
  const prepared = await prepareUser(dependencies, { ...registration, email }, 'refuse', caller)
  return acceptOnce(dependencies, { invitation, roles, prepared, origin })
}
