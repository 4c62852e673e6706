import { Refusal } from '../ground/refusal.ts'
import type { KeyedPage, Place } from '../storage/keyset.ts'
import { toMark } from './entity-tags.ts'

/** What a cursor belongs to: the name of the list, and what was asked of it. */
export type ListName = readonly [list: string, asked: Readonly<Record<string, unknown>>]

/** Whoever changes a cursor by hand, or shows it to another list, is told so; what it says is no secret. */
const markOf = (name: ListName, key: unknown, id: unknown): string => toMark(JSON.stringify([name, key, id]))

const toCursor = (name: ListName, { key, id }: Place): string =>
  Buffer.from(JSON.stringify([markOf(name, key, id), key, id])).toString('base64url')

/**
 * A page as a list answers it: `toView` of each row, and where the next one begins.
 *
 *     const name: ListName = ['admin/users', { q, role }]
 *     const page = await listUsersBehind(db, { limit, after: readCursor(cursor, name, 'string'), q, role })
 *     return toCursorPage(name, page, toView)
 */
export const toCursorPage = <Row, View>(
  name: ListName,
  { rows, next }: KeyedPage<Row>,
  toView: (row: Row) => View,
) => ({ data: rows.map(toView), next_cursor: next === undefined ? null : toCursor(name, next) })

const parse = (cursor: string): readonly unknown[] => {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}

/** Anybody can compute a mark: what goes to the database is what its columns take, all the same. */
const keyTypes = {
  number: (key: unknown): key is number => Number.isSafeInteger(key),
  string: (key: unknown): key is string =>
    typeof key === 'string' && key.isWellFormed() && !key.includes('\0'),
} as const

/** Of a row: one that was made by chance, or the number that a database gave. */
const idTypes = { random: /^[\w-]{22}$/, serial: /^\d{1,15}$/ } as const

const isId = (id: unknown, type: keyof typeof idTypes): id is string =>
  typeof id === 'string' && idTypes[type].test(id)

/**
 * The place of a cursor that was made for this list, asked in this way; undefined without one.
 * @param keyType of the key that the list is ordered by
 * @throws Refusal `validation_failed` for any other text
 */
export const readCursor = (
  cursor: string | undefined,
  name: ListName,
  keyType: keyof typeof keyTypes,
  idType: keyof typeof idTypes = 'random',
): Place | undefined => {
  if (cursor === undefined) return undefined
  const [mark, key, id] = parse(cursor)
  if (mark === markOf(name, key, id) && keyTypes[keyType](key) && isId(id, idType)) return { key, id }
  throw new Refusal('validation_failed', {
    errors: [{ path: '/cursor', message: 'is not a cursor of this list, asked in this way' }],
  })
}
