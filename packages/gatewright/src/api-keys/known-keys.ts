import { createAddressRanges } from '../ground/address.ts'
import { type Clock, minute } from '../ground/clock.ts'
import type { ApiKeyRow, Database } from '../storage/tables.ts'
import { hasSecret, type ShownApiKey } from '../tokens/api-key.ts'
import { listRoles } from '../users/users.ts'

/**
 * How long a process goes by what it has read of a key: then it reads it again, so that a cut-off of one need not
 * live for ever.
 */
export const keyKnownFor = 10 * minute

/** Whose key it is. Said only of one whose secret was right. */
export type KeyOwner = { readonly userId: string; readonly keyId: string }

/** A key whose secret is right, as the database has it. Frozen: all requests with it are given the same one. */
export type KnownKey = KeyOwner & {
  /** What its owner holds. */
  readonly roles: readonly string[]
  /** What it may do at most. */
  readonly permissions: readonly string[]
  readonly isAllowedFrom: (address: string) => boolean
  /** Null: never. */
  readonly expiresAt: number | null
  /** Whether whoever made it had shown a second factor. */
  readonly hasFactor: boolean
  /** When the read of it was sent. */
  readonly readAt: number
}

/** Why a key is none, for the log; its owner where the secret was right. */
export type KeyFault = { readonly reason: string; readonly owner?: KeyOwner }

export type KnownKeys = {
  /** From memory, by the whole text. What it says of ends is of the moment of its reading: ask the cut-offs. */
  readonly find: (shown: ShownApiKey) => KnownKey | undefined
  /** From the database; many who ask for one key share a read. Nothing that failed is kept. */
  readonly read: (shown: ShownApiKey) => Promise<KnownKey | KeyFault>
  /** Forgets the keys of an owner, or all: what was read before, and what is being read, is kept by nobody. */
  readonly drop: (userId?: string) => void
  /** How often a key was known here, and how often one was read. */
  readonly counts: () => { readonly known: number; readonly checked: number }
}

export const isFault = (found: KnownKey | KeyFault): found is KeyFault => 'reason' in found

type FoundRow = ApiKeyRow & { readonly disabled_at: number | null; readonly deleted_at: number | null }

const findRow = (db: Database, id: string): Promise<FoundRow | undefined> =>
  db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .selectAll('api_keys')
    .select(['users.disabled_at', 'users.deleted_at'])
    .where('api_keys.id', '=', id)
    .executeTakeFirst()

/** Space-separated lists, as the columns have them. */
export const toList = (text: string): readonly string[] => (text === '' ? [] : text.split(' '))

const toAllowed = (addresses: readonly string[]): KnownKey['isAllowedFrom'] =>
  addresses.length === 0 ? () => true : createAddressRanges(addresses)

/** Compared with what nobody's secret is where there is no such id: that takes as long. */
const nobodys = 'A'.repeat(43)

const faultOf = (row: FoundRow): string | undefined => {
  if (row.ended_at !== null) return 'key_ended'
  return row.disabled_at === null && row.deleted_at === null ? undefined : 'key_owner_disabled'
}

const readKey = async (
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  shown: ShownApiKey,
): Promise<KnownKey | KeyFault> => {
  const readAt = clock.now()
  const row = await findRow(db, shown.id)
  const isRight = hasSecret(shown, row?.secret_hash ?? nobodys)
  if (row === undefined || !isRight) return { reason: row === undefined ? 'key_unknown' : 'key_secret' }
  const owner = { userId: row.user_id, keyId: row.id }
  const reason = faultOf(row)
  if (reason !== undefined) return { reason, owner }
  return Object.freeze({
    ...owner,
    roles: Object.freeze(await listRoles(db, row.user_id)),
    permissions: Object.freeze(toList(row.permissions)),
    isAllowedFrom: toAllowed(toList(row.allowed_addresses)),
    expiresAt: row.expires_at,
    hasFactor: row.has_factor === 1,
    readAt,
  })
}

/** What was dropped while a read was under way: what that read finds of it may be older. */
type Reading = { readonly owners: Set<string>; isAll: boolean }

/**
 * Keys that were shown with the right secret, in the memory of this process: a bounded number, the oldest go
 * first. A key seen before costs no query; its cut-off, expiry and addresses are looked at in each request.
 */
export const createKnownKeys = (
  dependencies: { readonly db: Database; readonly clock: Clock },
  capacity = 10_000,
): KnownKeys => {
  const { clock } = dependencies
  const keys = new Map<string, KnownKey>()
  const underWay = new Map<string, Promise<KnownKey | KeyFault>>()
  const readings = new Set<Reading>()
  const counts = { known: 0, checked: 0 }

  const remember = (text: string, key: KnownKey): void => {
    keys.delete(text)
    if (keys.size >= capacity) keys.delete(keys.keys().next().value as string)
    keys.set(text, key)
  }

  /** Until nothing of it was dropped meanwhile. */
  const readAsItIs = async (shown: ShownApiKey): Promise<KnownKey | KeyFault> => {
    const reading: Reading = { owners: new Set(), isAll: false }
    readings.add(reading)
    const found = await readKey(dependencies, shown).finally(() => readings.delete(reading))
    if (isFault(found)) return found
    if (reading.isAll || reading.owners.has(found.userId)) return readAsItIs(shown)
    remember(shown.key, found)
    return found
  }

  return {
    counts: () => counts,
    find: ({ key: text }) => {
      const known = keys.get(text)
      if (known === undefined) return undefined
      if (clock.now() - known.readAt < keyKnownFor) {
        counts.known += 1
        return known
      }
      keys.delete(text)
      return undefined
    },
    read: shown => {
      counts.checked += 1
      const known = underWay.get(shown.key)
      if (known !== undefined) return known
      const read = readAsItIs(shown).finally(() => underWay.delete(shown.key))
      underWay.set(shown.key, read)
      return read
    },
    drop: userId => {
      for (const reading of readings)
        if (userId === undefined) reading.isAll = true
        else reading.owners.add(userId)
      for (const [text, key] of keys) if (userId === undefined || key.userId === userId) keys.delete(text)
    },
  }
}
