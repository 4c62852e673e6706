import { type Origin, recordEvent } from '../audit/record.ts'
import { type Held, type Holdings, hideWith, readHoldings } from '../backups/holdings.ts'
import type { HeldThen } from '../backups/revocations-file.ts'
import type { Clock } from '../ground/clock.ts'
import type { Secrets } from '../ground/secrets.ts'
import { emitHook, type HookDependencies } from '../hooks/emit.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { Processes } from '../processes/processes.ts'
import type { UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { eraseUser } from '../users/erase-user.ts'
import { takePassword } from '../users/new-password.ts'
import { replaceRoles } from '../users/users.ts'
import { mailWayBack } from './force-password-change.ts'

export type TakeBackDependencies = HookDependencies &
  MailDependencies & {
    readonly clock: Clock
    readonly secrets: Secrets
    readonly processes: Pick<Processes, 'holdSecretInForce'>
  }

/** What stands in the restored database, and what was held at the moment of the export. */
type Sides = { readonly was: Holdings; readonly now: Holdings }
type Taking = Sides & {
  readonly dependencies: TakeBackDependencies
  readonly work: Work
  readonly origin: Origin
  readonly secretId: string
  /** Fingerprints as the export has them. */
  readonly hide: (text: string) => string
}
/** @returns how much was taken */
type Take = (taking: Taking) => Promise<number>

/** The columns of a user, as `holdings` reads them. */
const userOf = (held: Held, id: string) => {
  const values = held.get(id)
  if (values === undefined) return undefined
  const [version, isDisabled, isDeleted, password, address, isDue] = values
  return { version: Number(version), isDisabled, isDeleted, password, address, isDue }
}

const lostKeys = (was: Held, now: Held): readonly string[] => [...was.keys()].filter(key => !now.has(key))

const usersWhere = (
  { was, now }: Sides,
  holds: (was: NonNullable<ReturnType<typeof userOf>>, now: ReturnType<typeof userOf>, id: string) => boolean,
): readonly string[] =>
  [...was.users.keys()].filter(id => {
    const before = userOf(was.users, id)
    return before !== undefined && before.isDeleted === 0 && holds(before, userOf(now.users, id), id)
  })

const eachUser = async (
  { work }: Taking,
  ids: readonly string[],
  take: (user: UserRow) => Promise<unknown>,
): Promise<number> => {
  let count = 0
  for (const id of ids) {
    work.beforeLock('user')
    const user = await work.db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
    // What was taken before may have been all of it.
    if (user === undefined || user.deleted_at !== null) continue
    await take(user)
    count += 1
  }
  return count
}

const isService = ({ kind }: UserRow): boolean => kind === 'service'

const deleteUsers: Take = taking => {
  const { dependencies, work, origin } = taking
  const deleted = usersWhere(taking, (_, now) => now?.isDeleted === 1)
  return eachUser(taking, deleted, async user => {
    const userId = user.id
    const event = isService(user) ? 'service.deleted' : 'user.deleted'
    await recordEvent(dependencies, work, event, { origin, userId })
    await eraseUser(dependencies, work, user)
    await emitHook(dependencies, work, 'user-deleted', { userId })
  })
}

const disableUsers: Take = taking => {
  const { dependencies, work, origin } = taking
  const disabled = usersWhere(taking, (was, now) => was.isDisabled === 0 && now?.isDisabled === 1)
  return eachUser(taking, disabled, async user => {
    const disabled_at = dependencies.clock.now()
    await work.db.updateTable('users').set({ disabled_at }).where('id', '=', user.id).execute()
    const event = isService(user) ? 'service.disabled' : 'user.disabled'
    await recordEvent(dependencies, work, event, { origin, userId: user.id })
  })
}

const takeRoles: Take = taking => {
  const { dependencies, work, origin, was, now } = taking
  const rolesOf = (held: Held, id: string): readonly string[] =>
    [...held.keys()].filter(key => key.startsWith(`${id} `)).map(key => key.slice(id.length + 1))
  const losers = new Set(lostKeys(was.user_roles, now.user_roles).map(key => key.split(' ')[0] ?? ''))
  return eachUser(taking, [...losers], async user => {
    const userId = user.id
    const before = rolesOf(was.user_roles, userId).toSorted()
    const after = before.filter(role => now.user_roles.has(`${userId} ${role}`))
    await replaceRoles(dependencies, work, userId, after)
    const event = isService(user) ? 'service.roles-changed' : 'user.roles-changed'
    await recordEvent(dependencies, work, event, { origin, userId, details: { before, after } })
    await emitHook(dependencies, work, 'role-changed', { userId, before, after })
  })
}

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

const factorTables = { totp_factors: 'totp', passkeys: 'passkey' } as const

const takeFactors: Take = async ({ dependencies, work, origin, was, now }) => {
  let count = 0
  for (const [table, method] of Object.entries(factorTables)) {
    const kind = table as keyof typeof factorTables
    for (const id of lostKeys(was[kind], now[kind])) {
      const userId = String(was[kind].get(id)?.[0])
      const { numDeletedRows } = await work.db.deleteFrom(kind).where('id', '=', id).executeTakeFirst()
      if (numDeletedRows === 0n) continue
      await recordEvent(dependencies, work, 'second-factor.removed', { origin, userId, details: { method } })
      count += 1
    }
  }
  return count
}

const takeRecoveryCodes: Take = async ({ work, now, hide }) => {
  const rows = await work.db.selectFrom('recovery_codes').select('code_hash').execute()
  const lost = rows.filter(({ code_hash }) => !now.recovery_codes.has(hide(code_hash)))
  for (const { code_hash } of lost)
    await work.db.deleteFrom('recovery_codes').where('code_hash', '=', code_hash).execute()
  return lost.length
}

/** Else a copy of a passkey would count from the backup on, unnoticed; and a code would be good twice. */
const raiseCounters: Take = async ({ work, now }) => {
  for (const [id, [, counter, cloned_at]] of now.passkeys)
    await work.db
      .updateTable('passkeys')
      .set(eb => ({
        counter: eb
          .case()
          .when('counter', '<', Number(counter))
          .then(Number(counter))
          .else(eb.ref('counter'))
          .end(),
        cloned_at: eb.fn.coalesce('cloned_at', eb.val(cloned_at === null ? null : Number(cloned_at))),
      }))
      .where('id', '=', id)
      .execute()
  for (const [id, [, last_step]] of now.totp_factors)
    await work.db
      .updateTable('totp_factors')
      .set({ last_step: Number(last_step) })
      .where('id', '=', id)
      .where('last_step', '<', Number(last_step))
      .execute()
  return 0
}

const unlinkIdentities: Take = async ({ dependencies, work, origin, now, hide }) => {
  const rows = await work.db.selectFrom('identities').select(['issuer', 'subject', 'user_id']).execute()
  const lost = rows.filter(
    ({ issuer, subject, user_id }) => !now.identities.has(hide(`${issuer} ${subject} ${user_id}`)),
  )
  for (const { issuer, subject, user_id: userId } of lost) {
    await work.db
      .deleteFrom('identities')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .execute()
    const details = { issuer, subject }
    await recordEvent(dependencies, work, 'identity.unlinked', { origin, userId, details })
  }
  return lost.length
}

/** An address that was given up may be somebody else's by now: no link goes there, and it signs nobody in. */
const doubtAddresses: Take = taking => {
  const { work } = taking
  const changed = usersWhere(taking, (was, now) => was.address !== null && was.address !== now?.address)
  return eachUser(taking, changed, ({ id }) =>
    work.db.updateTable('users').set({ email_verified_at: null }).where('id', '=', id).execute(),
  )
}

const ownersOf = (held: Holdings): ReadonlySet<string> =>
  new Set([...held.totp_factors.values(), ...held.passkeys.values()].map(([userId]) => String(userId)))

/** Who had a second factor, of which none is left here: the password alone would open what it did not open. */
const isLaidBare = ({ was, now }: Sides): ((userId: string) => boolean) => {
  const left = new Set(
    (['totp_factors', 'passkeys'] as const).flatMap(kind =>
      [...was[kind]].flatMap(([id, [userId]]) => (now[kind].has(id) ? String(userId) : [])),
    ),
  )
  const owners = ownersOf(now)
  return userId => owners.has(userId) && !left.has(userId)
}

/** One that was changed, reset or taken opens nothing; where a mail can bring its owner back, it does. */
const takePasswords: Take = taking => {
  const { dependencies, work, origin, secretId } = taking
  const laidBare = isLaidBare(taking)
  const changed = usersWhere(
    taking,
    (was, now, id) => was.password !== null && (was.password !== now?.password || laidBare(id)),
  )
  return eachUser(taking, changed, async user => {
    await takePassword(work, user.id, { password_change_due: 1 })
    const details = { way: 'by_mail' }
    await recordEvent(dependencies, work, 'user.password-change-forced', { origin, userId: user.id, details })
    if (user.disabled_at === null) await mailWayBack(dependencies, work, user, secretId)
  })
}

const askForPasswords: Take = taking => {
  const due = usersWhere(taking, (was, now) => was.isDue === 0 && now?.isDue === 1)
  const { work } = taking
  return eachUser(taking, due, ({ id }) =>
    work.db.updateTable('users').set({ password_change_due: 1 }).where('id', '=', id).execute(),
  )
}

const endKeys: Take = async ({ dependencies, work, was, now }) => {
  const ended_at = dependencies.clock.now()
  const lost = lostKeys(was.api_keys, now.api_keys)
  for (const id of lost)
    await work.db
      .updateTable('api_keys')
      .set({ ended_at, end_reason: 'restored' })
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .execute()
  // One that is being replaced ends at a time that was set since.
  for (const [id, [expires_at]] of now.api_keys)
    if (typeof expires_at === 'number')
      await work.db
        .updateTable('api_keys')
        .set({ expires_at })
        .where('id', '=', id)
        .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', expires_at)]))
        .execute()
  return lost.length
}

/** Of users who were deleted or disabled, whatever stands in the export. */
const endKeysOfTheGone: Take = async ({ dependencies, work }) => {
  const { numUpdatedRows } = await work.db
    .updateTable('api_keys')
    .set({ ended_at: dependencies.clock.now(), end_reason: 'restored' })
    .where('ended_at', 'is', null)
    .where('user_id', 'in', eb => eb.selectFrom('users').select('id').where('disabled_at', 'is not', null))
    .executeTakeFirst()
  return Number(numUpdatedRows)
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

/** What is born from now on must not count as ended with what was. */
const raiseVersions: Take = taking => {
  const { work, now } = taking
  const behind = usersWhere(taking, (was, after) => after !== undefined && was.version < after.version)
  return eachUser(taking, behind, ({ id }) =>
    work.db
      .updateTable('users')
      .set({ version: userOf(now.users, id)?.version ?? 0 })
      .where('id', '=', id)
      .execute(),
  )
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
  api_keys_of_the_gone: endKeysOfTheGone,
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
