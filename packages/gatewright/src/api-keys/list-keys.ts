import { Refusal } from '../ground/refusal.ts'
import { isBehind, type KeyedOrder, type KeyedPage, type KeyedRange, toKeyedPage } from '../storage/keyset.ts'
import type { ApiKeyRow, Database } from '../storage/tables.ts'

/** A key with whom it belongs to. */
export type OwnedKey = ApiKeyRow & { readonly username: string; readonly kind: string }

const byAge: KeyedOrder = { key: 'api_keys.created_at', id: 'api_keys.id' }

const selectKeys = (db: Database) =>
  db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .selectAll('api_keys')
    .select(['users.username', 'users.kind'])

/** A page of the keys of everybody, or of one owner, oldest first, behind a place. */
export const listKeysBehind = async (
  db: Database,
  { limit, after, ownerId }: KeyedRange & { readonly ownerId?: string | undefined },
): Promise<KeyedPage<OwnedKey>> => {
  const rows = await selectKeys(db)
    .where(isBehind(byAge, after))
    .$if(ownerId !== undefined, query => query.where('api_keys.user_id', '=', ownerId ?? ''))
    .orderBy('api_keys.created_at')
    .orderBy('api_keys.id')
    .limit(limit + 1)
    .execute()
  return toKeyedPage(rows, limit, row => ({ key: row.created_at, id: row.id }))
}

/** @throws Refusal `not_found` */
export const getOwnedKey = async (db: Database, keyId: string): Promise<OwnedKey> => {
  const row = await selectKeys(db).where('api_keys.id', '=', keyId).executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found', { detail: 'There is no API key with this id.' })
  return row
}
