import { type ListName, toCursorPage } from '../../packages/gatewright/src/http/cursor.ts'
import { idOf } from './many-users.ts'

/** A list that administrators read, as one request asks for it: of the rows of many-users.ts. */
export type AdministeredList = {
  /** Below the mount, with a query. */
  readonly path: string
  /** To whom its cursors belong. */
  readonly name: ListName
  /** The key and the id of each of its rows, in its order: from there a cursor of any place is made. */
  readonly places: string
  /** The index that has its pages: one of these, where several have the same order. */
  readonly index: string
}

const isUser = "kind = 'user' and deleted_at is null"
const byName = (where = 'true') =>
  `select username_key as key, id from users where ${isUser} and ${where} order by username_key, id`
const byRole = (role: string) =>
  `select user_id as key, user_id as id from user_roles where role = '${role}' order by user_id`
const newestFirst = (where = 'true') =>
  `select created_at as key, id from sessions where ended_at is null and ${where} order by created_at desc, id desc`
const oldestFirst = (table: string, where = 'true') =>
  `select created_at as key, id from ${table} where ${where} order by created_at, id`

const users = (asked: Readonly<Record<string, string>>, places: string, index: string): AdministeredList => ({
  path: `admin/users?${new URLSearchParams(asked)}`,
  name: ['admin/users', asked],
  places,
  index,
})

/** A name is unique: there is an index for that as well. */
const name = 'users_by_name|users_username_key_key|sqlite_autoindex_users_2'

/** The lists themselves. What narrows one stands behind it. */
export const administeredLists = [
  users({}, byName(), name),
  users({ q: 'user-5' }, byName("username_key >= 'user-5' and username_key < 'user-6'"), name),
  users({ q: 'user-7@' }, byName('false'), 'users_by_address|users_by_email'),
  users({ role: 'user' }, byRole('user'), 'users_of_role'),
  users({ role: 'moderator' }, byRole('moderator'), 'users_of_role'),
  users({ state: 'disabled' }, byName('disabled_at is not null'), 'users_disabled'),
  users({ state: 'enabled' }, byName('disabled_at is null'), name),
  users({ q: 'user-5', role: 'moderator' }, byName('false'), name),
  users({ role: 'user', state: 'disabled' }, byName('false'), 'users_of_role'),
  {
    path: 'admin/sessions?',
    name: ['admin/sessions', {}],
    places: newestFirst(),
    index: 'sessions_by_start',
  },
  {
    path: 'admin/api-keys?',
    name: ['admin/api-keys', {}],
    places: oldestFirst('api_keys'),
    index: 'api_keys_by_age',
  },
  {
    path: 'admin/services?',
    name: ['admin/services', {}],
    places: oldestFirst('users', "kind = 'service' and deleted_at is null"),
    index: 'services_by_age',
  },
] as const satisfies readonly AdministeredList[]

/** What one of many users has. */
export const ofOneUser = (id: string): readonly AdministeredList[] => [
  {
    path: `admin/sessions?user=${id}`,
    name: ['admin/sessions', { userId: id }],
    places: newestFirst('false'),
    index: 'sessions_(by_user|live|of_user)',
  },
  {
    path: `admin/api-keys?owner_id=${id}`,
    name: ['admin/api-keys', { ownerId: id }],
    places: oldestFirst('api_keys', 'false'),
    index: 'api_keys_of_user',
  },
]

type Rows = (sql: string) => Promise<readonly { readonly key: number | string; readonly id: string }[]>

/** A page of a list by its cursor, where it has so many rows; its path holds the cursor. */
const behind = async ({ path, name, places }: AdministeredList, rows: Rows, at: number): Promise<string> => {
  const [place] = await rows(`select key, id from (${places}) as places limit 1 offset ${at}`)
  const next = place && { ...place, key: typeof place.key === 'string' ? keyOf(place.key) : place.key }
  return `${path}&cursor=${toCursorPage(name, { rows: [], next }, row => row).next_cursor}`
}

/** PostgreSQL gives whole numbers of 64 bits as texts. */
const keyOf = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text)

/** The paths of the first page of a list, one in its middle and the last, as far as it has more than one. */
export const pagesOf = async (
  list: AdministeredList,
  rows: Rows,
): Promise<Readonly<Record<string, string>>> => {
  const [{ key: count } = { key: 0 }] = await rows(`select count(*) as key from (${list.places}) as places`)
  const [all, size] = [Number(count), 20]
  if (all <= size) return { first: list.path }
  return {
    first: list.path,
    middle: await behind(list, rows, Math.floor(all / 2)),
    last: await behind(list, rows, all - size - 1),
  }
}

/** The id of one of them. */
export const idOfUser = async (rows: Rows, i: number): Promise<string> => {
  const [row] = await rows(`select 0 as key, ${idOf('user', i)} as id`)
  return row?.id ?? ''
}
