import { toMark } from 'gatewright/entity-tags'
import { Refusal } from 'gatewright/refusal'
import type { Place, Sort } from './keyset.ts'

/** What a cursor belongs to: the name of the list, its sort and its filters. */
export type ListName = readonly [list: string, sort: string, filters: Readonly<Record<string, unknown>>]

const markOf = (name: ListName): string => toMark(JSON.stringify(name))

/**
 * The cursor of a place, opaque to callers. It is not signed: it only says where to go on, among rows that
 * the reader may see, and what it holds was in the page before it.
 */
const toCursor = (name: ListName, { key, id }: Place): string =>
  Buffer.from(JSON.stringify([markOf(name), key, id])).toString('base64url')

/** A page as version 2 answers it: what is shown, and where the next one begins. */
export const toCursorPage = <View>(name: ListName, next: Place | undefined, data: View[]) => ({
  data,
  next_cursor: next === undefined ? null : toCursor(name, next),
})

const parse = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}

/** Only what a database takes: no number beyond its columns, no text that is not Unicode, no NUL. */
const isKey = (key: unknown, { type }: Sort): key is Place['key'] =>
  type === 'number'
    ? Number.isSafeInteger(key)
    : typeof key === 'string' && key.isWellFormed() && !key.includes('\0')

const isId = (id: unknown): id is string => typeof id === 'string' && /^[\w-]{22}$/.test(id)

/**
 * The place of a cursor that was made for this list, with this sort and these filters.
 * @throws Refusal `validation_failed` for any other text
 */
export const readCursor = (cursor: string | undefined, name: ListName, sort: Sort): Place | undefined => {
  if (cursor === undefined) return undefined
  const parts = parse(cursor)
  const [mark, key, id] = Array.isArray(parts) ? parts : []
  if (mark === markOf(name) && isKey(key, sort) && isId(id)) return { key, id }
  throw new Refusal('validation_failed', {
    errors: [{ path: '/cursor', message: 'is not a cursor of this list, with this sort and these filters' }],
  })
}
