import { type Origin, recordEvent } from '../audit/record.ts'
import { hideWith, readHoldings } from '../backups/holdings.ts'
import type { HeldThen } from '../backups/revocations-file.ts'
import type { Work } from '../storage/transaction.ts'
import {
  endKeys,
  raiseCounters,
  takeFactors,
  takeRecoveryCodes,
  unlinkIdentities,
} from './take-credentials.ts'
import {
  askForPasswords,
  deleteUsers,
  disableUsers,
  doubtAddresses,
  raiseVersions,
  takePasswords,
  takeRoles,
} from './take-from-users.ts'
import { lostKeys, type Take, type TakeBackDependencies } from './taking.ts'

/** A role that was deleted keeps its name, and allows nothing. */
const takePermissions: Take = async ({ dependencies, work, origin, was, now }) => {
  const lost = lostKeys(was.role_permissions, now.role_permissions)
  const all = [...was.role_permissions.keys()].map(key => key.split(' ') as [string, string])
  for (const key of lost) {
    const [role = '', permission = ''] = key.split(' ')
    await work.db
      .deleteFrom('role_permissions')
      .where('role', '=', role)
      .where('permission', '=', permission)
      .execute()
  }
  for (const role of new Set(lost.map(key => key.split(' ')[0] ?? ''))) {
    const before = all.flatMap(([name, permission]) => (name === role ? permission : [])).toSorted()
    const after = before.filter(permission => now.role_permissions.has(`${role} ${permission}`))
    await recordEvent(dependencies, work, 'role.changed', { origin, details: { role, before, after } })
  }
  return lost.length
}

const blockIssuers: Take = async ({ dependencies, work, origin, was, now }) => {
  const blocked = lostKeys(now.blocked_issuers, was.blocked_issuers)
  for (const issuer of blocked) {
    await work.db
      .insertInto('blocked_issuers')
      .values({ issuer, blocked_at: dependencies.clock.now() })
      .execute()
    await recordEvent(dependencies, work, 'issuer.blocked', { origin, details: { issuer } })
  }
  return blocked.length
}

const reserveNames: Take = async ({ work, now }) => {
  for (const [username_hash, [value]] of now.reserved_usernames) {
    const until = Number(value)
    await work.db
      .insertInto('reserved_usernames')
      .values({ username_hash, until })
      .onConflict(conflict => conflict.column('username_hash').doUpdateSet({ until }))
      .execute()
  }
  return now.reserved_usernames.size
}

/** Else whoever starts a server gets a link to make the first administrator. */
const closeSetUp: Take = async ({ dependencies, work, now }) => {
  if (!now.installation.has('had-administrator')) return 0
  const { numUpdatedRows } = await work.db
    .updateTable('installation')
    .set({ first_administrator_at: dependencies.clock.now() })
    .where('first_administrator_at', 'is', null)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** In this order: versions first, for links that are made are made for them. */
const takings = {
  set_up_closed: closeSetUp,
  versions_raised: raiseVersions,
  users_deleted: deleteUsers,
  users_disabled: disableUsers,
  roles_taken: takeRoles,
  permissions_taken: takePermissions,
  factors_taken: takeFactors,
  recovery_codes_taken: takeRecoveryCodes,
  counters_raised: raiseCounters,
  identities_unlinked: unlinkIdentities,
  addresses_in_doubt: doubtAddresses,
  passwords_taken: takePasswords,
  passwords_due: askForPasswords,
  api_keys_ended: endKeys,
  issuers_blocked: blockIssuers,
  names_reserved: reserveNames,
} as const satisfies Record<string, Take>

export type Taken = Readonly<Record<keyof typeof takings, number>>

/**
 * Takes away, in the transaction of a restore, whatever somebody had at the time of the backup and no longer had at
 * the time of the export. Nothing is given by it. Sessions, codes, links and known devices end by the restore itself,
 * and signing keys are replaced, so that nothing has to be told to other processes.
 */
export const takeBack = async (
  dependencies: TakeBackDependencies,
  work: Work,
  { heading, held: now }: HeldThen,
  origin: Origin,
): Promise<Taken> => {
  const hide = hideWith(dependencies.secrets, heading.secret)
  const was = await readHoldings(work.db, hide)
  const secretId = await dependencies.processes.holdSecretInForce(work)
  const taken: Partial<Record<keyof Taken, number>> = {}
  for (const [name, take] of Object.entries(takings))
    taken[name as keyof Taken] = await take({ dependencies, work, origin, secretId, hide, was, now })
  const details = { as_of: heading.made_at, ...(taken as Taken) }
  await recordEvent(dependencies, work, 'revocations.replayed', { origin, details })
  return taken as Taken
}
