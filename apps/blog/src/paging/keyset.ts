import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** An order of a list: by one key, then by id. Every row has a key of this type, so none falls out. */
export type Sort = {
  readonly key: RawBuilder<number | string>
  readonly type: 'number' | 'string'
  readonly direction: 'asc' | 'desc'
}

/** The names of a table of sorts, for a schema. */
export const sortNames = <Name extends string>(sorts: Readonly<Record<Name, Sort>>) =>
  Object.keys(sorts) as Name[]

/** Where a row stands in the order of a sort. */
export type Place = { readonly key: number | string; readonly id: string }

/** A part of a list, in the order of its sort: behind a place, or all of it. */
export type Range = { readonly sort: Sort; readonly after?: Place | undefined }

/** Both orders by a key that is written in another way for each of them. */
export const bothWays = <const Name extends string>(
  name: Name,
  {
    type,
    ascending,
    descending,
  }: { readonly type: Sort['type']; readonly ascending: Sort['key']; readonly descending: Sort['key'] },
): Readonly<Record<Name | `-${Name}`, Sort>> =>
  ({
    [name]: { key: ascending, type, direction: 'asc' },
    [`-${name}`]: { key: descending, type, direction: 'desc' },
  }) as Readonly<Record<Name | `-${Name}`, Sort>>

/** Both orders by a column: `…byColumn('title', 'string')` gives `title` and `-title`. */
export const byColumn = <const Name extends string>(name: Name, type: Sort['type']) =>
  bothWays(name, { type, ascending: sql.ref(name), descending: sql.ref(name) })

/**
 * Whether a row lies in the range. The place is compared as a whole, so that an index on key and id finds
 * it, and rows that come or go before it move nothing behind it.
 */
export const isWithin = ({ sort: { key, direction }, after }: Range): RawBuilder<SqlBool> =>
  after === undefined
    ? sql`1 = 1`
    : sql`(${key}, id) ${direction === 'asc' ? sql`>` : sql`<`} (${after.key}, ${after.id})`

/** A page of rows, and the place behind which the next one begins. */
export type Page<Row> = { readonly rows: readonly Row[]; readonly next: Place | undefined }

/** Cuts a page from one row more than it may hold; `end` is where the search for rows stopped, if it did. */
export const toPage = <Row extends Place>(rows: readonly Row[], limit: number, end?: Place): Page<Row> => {
  const last = rows.length > limit ? rows[limit - 1] : end
  return { rows: rows.slice(0, limit), next: last && { key: last.key, id: last.id } }
}
