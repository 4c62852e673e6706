import { Refusal } from '../ground/refusal.ts'
import type { Permission } from '../permissions/access-rule.ts'
import { type Granting, grantedTo } from '../permissions/granted.ts'
import { holdRoles } from '../permissions/made-roles.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import { permissionsOf } from '../permissions/roles.ts'
import type { Caller } from '../sessions/hold-session.ts'
import { holdProvenSession } from '../sign-in/own-factors.ts'
import type { UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { listRoles, lockAndGetUser } from '../users/users.ts'
import { holdAdministrator } from './hold-administrator.ts'

/** Whose keys are changed, and from which session; the command line has none. */
export type KeyChange = { readonly ownerId: string; readonly caller?: Caller | undefined }

/**
 * Holds the owner of keys, and checks that the caller may change them: the owner in a session that has shown a
 * second factor where there is one, or an administrator who may do all that the owner may.
 * @throws Refusal `session_ended`, `insufficient_user_authentication`, `insufficient_permission`, `not_found`
 */
export const holdKeyOwner = async (
  granting: Granting,
  work: Work,
  { ownerId, caller }: KeyChange,
): Promise<UserRow> => {
  if (caller?.userId === ownerId) await holdProvenSession(work, caller)
  else await holdAdministrator(granting, work, caller, { needed: ['api-keys:write'], over: ownerId })
  const owner = await lockAndGetUser(work, ownerId)
  if (owner === undefined || owner.deleted_at !== null) throw new Refusal('not_found')
  return owner
}

/**
 * A key is shown to its owner alone: nobody makes one in the name of a person. A service is nobody: its keys are
 * shown to the administrator who makes them.
 * @throws Refusal `conflict`
 */
export const refuseForPerson = ({ id, kind }: UserRow, { caller }: KeyChange): void => {
  if (caller?.userId === id || kind === 'service') return
  throw new Refusal('conflict', {
    reason: 'owner_is_person',
    detail: 'Only people themselves make keys in their names. Others make keys for services.',
  })
}

/** What keys made from here on may do at most, and whether whoever makes them has shown a second factor. */
export type Giving = {
  readonly permissions: ReadonlySet<string>
  /** What would be there after a second factor. */
  readonly withheld: ReadonlySet<string>
  readonly hasFactor: boolean
}

const amrOf = async ({ db }: Work, { sessionId }: Caller): Promise<readonly string[]> => {
  const { amr } = await db
    .selectFrom('sessions')
    .select('amr')
    .where('id', '=', sessionId)
    .executeTakeFirstOrThrow()
  return amr.split(' ')
}

const onlyHeld = (some: Iterable<Permission>, held: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...some].filter(permission => held.has(permission)))

/** What the owner may at this moment and, where somebody else makes the key, that one may as well. */
export const findGiving = async (
  granting: Granting,
  work: Work,
  { ownerId, caller }: KeyChange,
): Promise<Giving> => {
  const roles = await listRoles(work.db, ownerId)
  const ofOwner = new Set<string>(permissionsOf(await holdRoles(granting.roleTable, work, roles), roles))
  if (caller === undefined) return { permissions: ofOwner, withheld: new Set(), hasFactor: true }
  const amr = await amrOf(work, caller)
  const own = await listRoles(work.db, caller.userId)
  const roleTable = await holdRoles(granting.roleTable, work, own)
  const granted = grantedTo({ ...granting, roleTable }, amr, own)
  return {
    permissions: onlyHeld(granted.permissions, ofOwner),
    withheld: onlyHeld(granted.withheld, ofOwner),
    hasFactor: amr.includes(multiFactor),
  }
}

/** @throws Refusal `insufficient_permission`, `second_factor_required` */
export const refuseWider = ({ permissions, withheld }: Giving, asked: readonly string[]): void => {
  const lacking = asked.filter(permission => !permissions.has(permission))
  if (lacking.length === 0) return
  const isWithheld = lacking.every(permission => withheld.has(permission))
  throw new Refusal(isWithheld ? 'second_factor_required' : 'insufficient_permission', {
    reason: 'key_wider_than_maker',
    detail: `A key may do no more than its owner and whoever makes it: ${lacking.join(', ')}`,
  })
}
