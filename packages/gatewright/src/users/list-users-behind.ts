import { type RawBuilder, type SqlBool, sql } from 'kysely'
import {
  isBehind,
  type KeyedOrder,
  type KeyedPage,
  type KeyedRange,
  type Place,
  toKeyedPage,
} from '../storage/keyset.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import { usernameKey } from './username.ts'
import { emailKey, findRoles, toUser, type User } from './users.ts'

export type UserState = 'enabled' | 'disabled'

/** Which users are looked for; without a word all. */
export type UserSearch = {
  /** The beginning of a username or, with an `@` in it, of an address: taken literally, without regard to case. */
  readonly q?: string | undefined
  readonly role?: string | undefined
  readonly state?: UserState | undefined
}

/** What an index has in order. What else is asked for is looked up row by row. */
type Way = {
  readonly from: 'users' | 'user_roles'
  readonly order: KeyedOrder
  readonly keyOf: (row: UserRow) => string
  readonly where: RawBuilder<SqlBool>
  /** Where it begins; without a word at the first of all. */
  readonly start?: Place
}

const byName = {
  from: 'users',
  order: { key: 'users.username_key', id: 'users.id' },
  keyOf: (row: UserRow) => row.username_key,
  where: sql<SqlBool>`1 = 1`,
} as const satisfies Way

const byAddress = {
  ...byName,
  order: { key: 'users.email_key', id: 'users.id' },
  keyOf: (row: UserRow) => row.email_key ?? '',
} as const satisfies Way

const byRole = {
  from: 'user_roles',
  order: { key: 'user_roles.user_id', id: 'user_roles.user_id' },
  keyOf: (row: UserRow) => row.id,
} as const satisfies Omit<Way, 'where'>

/**
 * All that begin with it, in the order of code points. Where they begin is a place, as that of a cursor is: of two
 * beginnings SQLite goes to the first, and on from there row by row.
 */
const beginningWith = (way: Way, text: string): Way => ({
  ...way,
  start: { key: text, id: '' },
  where: sql`${sql.ref(way.order.key)} < ${`${text}\u{10ffff}`}`,
})

/** The narrowest: whoever holds a role, or is disabled, may be one of a million. */
const wayOf = ({ q = '', role, state }: UserSearch): Way => {
  if (q.includes('@')) return beginningWith(byAddress, emailKey(q))
  if (q !== '') return beginningWith(byName, usernameKey(q))
  if (role !== undefined) return { ...byRole, where: sql`user_roles.role = ${role}` }
  // An index of its own has them: for these very words.
  return state === 'disabled' ? { ...byName, where: sql`users.disabled_at is not null` } : byName
}

/** Services are none, nor is who was deleted. In the words of the indexes, so that these are taken. */
const isListed = sql<SqlBool>`users.kind = 'user' and users.deleted_at is null`

const readStep = ({ from, order, where, start }: Way, db: Database, { limit, after = start }: KeyedRange) => {
  const users =
    from === 'users'
      ? db.selectFrom('users')
      : db.selectFrom('user_roles').innerJoin('users', 'users.id', 'user_roles.user_id')
  return users
    .selectAll('users')
    .where(where)
    .where(isListed)
    .where(isBehind(order, after))
    .orderBy(sql.ref(order.key))
    .orderBy(sql.ref(order.id))
    .limit(limit)
    .execute()
}

const isAskedFor =
  ({ role, state }: UserSearch) =>
  ({ roles, disabledAt }: User): boolean =>
    (role === undefined || roles.includes(role)) &&
    (state === undefined || (state === 'disabled') === (disabledAt !== null))

/**
 * Of a search that no index answers alone, one page reads so many; the next goes on. Where most of what is read is
 * asked for, a page and one row more are enough; each step after it is wider than the one before.
 */
export const searchDepth = 2_000
const [widening, widestStep] = [4, 500]

/**
 * A page of the users searched for, behind a place. It may hold fewer than `limit`, or none, and still have a next
 * one: a page reads so much and no more, whatever is asked for and however many users there are.
 */
export const listUsersBehind = async (
  db: Database,
  { limit, after, ...search }: KeyedRange & UserSearch,
): Promise<KeyedPage<User>> => {
  const way = wayOf(search)
  const found: { readonly user: User; readonly place: Place }[] = []
  let [end, read, step] = [after, 0, limit + 1]
  do {
    const rows = await readStep(way, db, { limit: step, after: end })
    const ids = rows.map(({ id }) => id)
    const rolesOf = await findRoles(db, ids)
    const users = rows.map(row => ({
      user: toUser(row, rolesOf(row.id)),
      place: { key: way.keyOf(row), id: row.id },
    }))
    found.push(...users.filter(({ user }) => isAskedFor(search)(user)))
    end = rows.length < step ? undefined : users.at(-1)?.place
    read += rows.length
    step = Math.min(step * widening, widestStep, searchDepth - read)
  } while (end !== undefined && found.length <= limit && read < searchDepth)
  const page = toKeyedPage(found, limit, ({ place }) => place, end)
  return { ...page, rows: page.rows.map(({ user }) => user) }
}
