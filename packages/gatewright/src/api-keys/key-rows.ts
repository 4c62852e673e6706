import type { Clock } from '../ground/clock.ts'
import type { ApiKeyRow, Database, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

/** How a key stands: `replaced` goes on until its time beside the one that was made in its place. */
export type KeyState = 'live' | 'replaced' | 'expired' | 'ended'

export const stateOf = (
  { ended_at, expires_at, replaced_by }: Pick<ApiKeyRow, 'ended_at' | 'expires_at' | 'replaced_by'>,
  now: number,
): KeyState => {
  if (ended_at !== null) return 'ended'
  if (expires_at !== null && expires_at <= now) return 'expired'
  return replaced_by === null ? 'live' : 'replaced'
}

/** Ended ones are shown as long as they are kept, but not without end. */
const mostListed = 200

/**
 * The keys of a user or service, newest first: also those that ended or expired lately. Whoever makes and revokes as
 * many as are shown hides none by them that goes on: of those all are there.
 */
export const listKeys = async (db: Database, ownerId: string): Promise<ApiKeyRow[]> => {
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('user_id', '=', ownerId)
    .orderBy(eb => eb('ended_at', 'is not', null))
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .limit(mostListed)
    .execute()
  return rows.sort((a, b) => b.created_at - a.created_at)
}

/** Keys that have not ended, expired ones among them. Their owner's row is held, so they stay as they are. */
export const listUnended = ({ db }: Work, ownerId: string): Promise<ApiKeyRow[]> =>
  db
    .selectFrom('api_keys')
    .selectAll()
    .where('user_id', '=', ownerId)
    .where('ended_at', 'is', null)
    .orderBy('created_at')
    .execute()

/** How many keys a user or service has at most that are live, those that are being replaced not counted. */
export const mostLiveKeys = 50

export const isFull = ({ clock }: { readonly clock: Clock }, rows: readonly ApiKeyRow[]): boolean =>
  rows.filter(row => stateOf(row, clock.now()) === 'live').length >= mostLiveKeys

/**
 * Inserts a key by one statement that holds its owner's row, as it was when the caller was judged.
 * @returns whether it is there: not for an owner who has changed since or is disabled
 */
export const insertKey = async (
  { db, beforeLock }: Work,
  row: ApiKeyRow,
  { version }: Pick<UserRow, 'version'>,
): Promise<boolean> => {
  beforeLock('user')
  const names = Object.keys(row) as (keyof ApiKeyRow)[]
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('api_keys')
    .columns(names)
    .expression(eb =>
      eb
        .selectFrom('users')
        .select(names.map(name => eb.val(row[name]).as(name)))
        .where('users.id', '=', row.user_id)
        .where('users.version', '=', version)
        .where('users.disabled_at', 'is', null)
        .forShare(),
    )
    .executeTakeFirst()
  return numInsertedOrUpdatedRows === 1n
}
