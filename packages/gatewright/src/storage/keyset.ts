import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** Where a row stands in a list that is ordered by one key, then by id. */
export type Place = { readonly key: number | string; readonly id: string }

/** A page of rows, and the place behind which the next one begins; undefined at the end of the list. */
export type KeyedPage<Row> = { readonly rows: readonly Row[]; readonly next: Place | undefined }

/** A part of a list: behind a place, or from its beginning. */
export type KeyedRange = { readonly limit: number; readonly after?: Place | undefined }

/** The columns that a list is ordered by, and which way. An index has them in this order. */
export type KeyedOrder = {
  readonly key: string
  readonly id: string
  readonly direction?: 'asc' | 'desc'
}

/**
 * Whether a row lies behind the place. It is compared as a whole, so that an index finds it, and rows that come or
 * go before it move nothing behind it.
 *
 *     query.where(isBehind({ key: 'api_keys.created_at', id: 'api_keys.id', direction: 'desc' }, after))
 */
export const isBehind = (
  { key, id, direction = 'asc' }: KeyedOrder,
  after: { readonly key: Place['key']; readonly id: string | number } | undefined,
): RawBuilder<SqlBool> =>
  after === undefined
    ? sql`1 = 1`
    : sql`(${sql.ref(key)}, ${sql.ref(id)}) ${direction === 'asc' ? sql`>` : sql`<`} (${after.key}, ${after.id})`

/** Cuts a page from one row more than it may hold; `end` is where the search for rows stopped, if it did. */
export const toKeyedPage = <Row>(
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => Place,
  end?: Place,
): KeyedPage<Row> => {
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return { rows: rows.slice(0, limit), next: last === undefined ? end : placeOf(last) }
}
