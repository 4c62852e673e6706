import { insertKey, isFull, listUnended, mostLiveKeys } from '../api-keys/key-rows.ts'
import { toList } from '../api-keys/known-keys.ts'
import { type Origin, recordEvent } from '../audit/record.ts'
import { parseAddressRange } from '../ground/address.ts'
import { type FieldError, Refusal } from '../ground/refusal.ts'
import { tellOwner } from '../mail/notices.ts'
import type { MailDependencies } from '../mail/queue.ts'
import type { Granting } from '../permissions/granted.ts'
import type { RoleTable } from '../permissions/roles.ts'
import { checkKindsKnown } from '../processes/feed-kinds.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { ApiKeyRow, Database, UserRow } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { type ApiKey, newApiKey } from '../tokens/api-key.ts'
import {
  findGiving,
  type Giving,
  holdKeyOwner,
  type KeyChange,
  refuseForPerson,
  refuseWider,
} from './hold-key-owner.ts'

export type KeyDependencies = SessionDependencies &
  MailDependencies &
  Granting & { readonly db: Database; readonly roleTable: RoleTable }

export type Change = KeyChange & { readonly origin: Origin }

export type NewKey = {
  readonly name: string
  readonly permissions: readonly string[]
  /** Milliseconds; null: never. */
  readonly expiresAt: number | null
  /** Addresses and networks; none: from everywhere. */
  readonly allowedAddresses: readonly string[]
}

/** The key, shown this once, and its row. */
export type MadeKey = { readonly key: ApiKey; readonly row: ApiKeyRow }

const unknownPermissions = ({ roleTable }: Granting, { permissions }: NewKey): readonly FieldError[] =>
  permissions.flatMap((permission, at) =>
    roleTable.permissions.has(permission)
      ? []
      : [
          {
            path: `/permissions/${at}`,
            message: `there is no permission ${JSON.stringify(permission)}: write some of ${[...roleTable.permissions.keys()].join(', ')}`,
          },
        ],
  )

const wrongAddresses = ({ allowedAddresses }: NewKey): readonly FieldError[] =>
  allowedAddresses.flatMap((address, at) =>
    parseAddressRange(address)
      ? []
      : [
          {
            path: `/allowed_addresses/${at}`,
            message: 'must be an IP address, or a range such as 192.0.2.0/24 or 2001:db8::/32',
          },
        ],
  )

const wrongExpiry = ({ expiresAt }: NewKey, now: number): readonly FieldError[] =>
  expiresAt === null || expiresAt > now ? [] : [{ path: '/expires_at', message: 'must lie in the future' }]

/** @throws Refusal `validation_failed` for a permission that there is not, a wrong address, a time gone by */
const checkNewKey = (dependencies: KeyDependencies, key: NewKey): void => {
  const errors = [
    ...unknownPermissions(dependencies, key),
    ...wrongAddresses(key),
    ...wrongExpiry(key, dependencies.clock.now()),
  ]
  if (errors.length > 0) throw new Refusal('validation_failed', { errors })
}

const inOrder = (texts: Iterable<string>): string => [...new Set(texts)].sort().join(' ')

const toRow = (
  { clock }: KeyDependencies,
  { ownerId, caller }: Change,
  { name, permissions, expiresAt, allowedAddresses }: NewKey,
  { id, hash, hasFactor }: { readonly id: string; readonly hash: string; readonly hasFactor: boolean },
): ApiKeyRow => ({
  id,
  user_id: ownerId,
  name,
  secret_hash: hash,
  permissions: inOrder(permissions),
  allowed_addresses: inOrder(allowedAddresses),
  created_at: clock.now(),
  expires_at: expiresAt,
  last_used_at: null,
  address: '',
  replaced_by: null,
  made_by: caller?.userId ?? null,
  has_factor: hasFactor ? 1 : 0,
  reminded_at: null,
  ended_at: null,
  end_reason: null,
})

export type Held = { readonly owner: UserRow; readonly giving: Giving; readonly secretId: string }

/**
 * What making any key begins with: every process must know how one is taken back, and what the caller may give is
 * read while the rows that say so are held.
 */
export const holdMaker = async (dependencies: KeyDependencies, work: Work, change: Change): Promise<Held> => {
  await checkKindsKnown(work, ['api-key'])
  const secretId = await dependencies.processes.secretInForce(work)
  const owner = await holdKeyOwner(dependencies, work, change)
  refuseForPerson(owner, change)
  return { owner, giving: await findGiving(dependencies, work, change), secretId }
}

const refuseMore = (): never => {
  throw new Refusal('conflict', {
    reason: 'too_many_keys',
    detail: `There are ${mostLiveKeys} live keys already. Revoke one first.`,
  })
}

type Written = { readonly owner: UserRow; readonly row: ApiKeyRow; readonly secretId: string }

/** A service reads no mail: whoever made its key is told, for it may be a thief who did. */
const tellOfKey = async (
  dependencies: KeyDependencies,
  work: Work,
  { caller, origin }: Change,
  { owner, row, secretId }: Written,
): Promise<void> => {
  const told = { origin, secretId, since: row.created_at }
  const values = { key: row.name }
  if (owner.kind !== 'service')
    await tellOwner(dependencies, work, { ...told, userId: owner.id, notice: 'api-key-created', values })
  else if (caller !== undefined)
    await tellOwner(dependencies, work, {
      ...told,
      userId: caller.userId,
      notice: 'service-key-created',
      values: { ...values, service: owner.username },
    })
}

/** Writes the key, and tells its owner, or who made it. */
export const writeKey = async (
  dependencies: KeyDependencies,
  work: Work,
  change: Change,
  { owner, giving: { hasFactor }, secretId }: Held,
  asked: NewKey,
): Promise<MadeKey> => {
  const { key, id, hash } = newApiKey(dependencies.random)
  const row = toRow(dependencies, change, asked, { id, hash, hasFactor })
  if (!(await insertKey(work, row, owner)))
    throw new Refusal('conflict', { reason: 'owner_disabled', detail: 'The owner is disabled.' })
  await tellOfKey(dependencies, work, change, { owner, row, secretId })
  return { key, row }
}

/** What the audit log keeps of a key. */
export const detailsOf = ({ id, name, permissions, allowed_addresses, expires_at }: ApiKeyRow) => ({
  key: id,
  name,
  permissions: toList(permissions),
  allowed_addresses: toList(allowed_addresses),
  expires_at,
})

/**
 * Makes a key that may do no more than its owner, and whoever makes it, may at this moment.
 * @throws Refusal `validation_failed`; `insufficient_permission`, `second_factor_required` for more than that;
 *   `conflict` with as many as there may be, in another person's name, for a disabled owner or beside a process
 *   that does not know keys; and as {@link holdKeyOwner}
 */
export const makeApiKey = (
  dependencies: KeyDependencies,
  change: Change,
  asked: NewKey,
): Promise<MadeKey> => {
  checkNewKey(dependencies, asked)
  return inTransaction(dependencies.db, async work => {
    const held = await holdMaker(dependencies, work, change)
    refuseWider(held.giving, asked.permissions)
    // Counted while the owner's row is held, which whoever makes another one waits for.
    if (isFull(dependencies, await listUnended(work, change.ownerId))) refuseMore()
    const made = await writeKey(dependencies, work, change, held, asked)
    const { ownerId: userId, origin } = change
    await recordEvent(dependencies, work, 'api-key.made', { origin, userId, details: detailsOf(made.row) })
    return made
  })
}
