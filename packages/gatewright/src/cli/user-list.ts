import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import type { KeyedPage } from '../storage/keyset.ts'
import type { UserSearch, UserState } from '../users/list-users-behind.ts'
import type { User } from '../users/users.ts'
import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'
import { toUserView } from './users.ts'

const perPage = 500

type Asked = { readonly search: UserSearch; readonly limit: number; readonly cursor: string | undefined }

/** The same pages as `GET /admin/users`, with the same cursors; a page that is not full goes on here. */
const readUsers = async ({ db }: Engine, { search, limit, cursor }: Asked) => {
  const { listUsersBehind } = await import('../users/list-users-behind.ts')
  const { readCursor, toCursorPage } = await import('../http/cursor.ts')
  const name = ['admin/users', search] as const
  const rows: User[] = []
  let next: KeyedPage<User>['next'] = readCursor(cursor, name, 'string')
  do {
    const page = await listUsersBehind(db, {
      ...search,
      limit: Math.min(perPage, limit - rows.length),
      after: next,
    })
    rows.push(...page.rows)
    next = page.next
  } while (next !== undefined && rows.length < limit)
  return toCursorPage(name, { rows, next }, user => user)
}

const toRow = ({ username, id, roles, disabledAt, createdAt }: User): readonly string[] => [
  username,
  id,
  roles.join(', ') || 'none',
  toTimestampOrNull(disabledAt) ?? 'no',
  toTimestamp(createdAt),
]

const readState = (text: string | undefined): UserState | undefined => {
  if (text === undefined || text === 'enabled' || text === 'disabled') return text
  throw new WrongUse('--state is none: write --state enabled or --state disabled')
}

const readLimit = (text: string | undefined): number => {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new WrongUse('--limit is no number: write --limit 100')
}

/** Only what was asked for: a cursor belongs to that. */
const toSearch = (asked: UserSearch): UserSearch =>
  Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))

export const userList = defineCommand({
  name: 'user list',
  summary: 'Lists users by name: all, or those searched for.',
  parameters: {},
  options: {
    search: {
      kind: 'text',
      value: 'text',
      describe: 'The beginning of a username or, with an @ in it, of an address.',
    },
    role: { kind: 'text', value: 'role', describe: 'Who holds this role.' },
    state: { kind: 'text', value: 'state', describe: 'enabled or disabled.' },
    limit: { kind: 'text', value: 'number', describe: 'At most so many. Default: all.' },
    cursor: { kind: 'text', value: 'cursor', describe: 'Goes on where a list with --limit has stopped.' },
  },
  example: 'user list --role moderator --limit 100',
  run: async ({ search: q, role, state, limit, cursor }) => {
    const search = toSearch({ q, role, state: readState(state) })
    const asked = { search, limit: readLimit(limit), cursor }
    const { data: users, next_cursor } = await withEngine('must exist', engine => readUsers(engine, asked))
    const rows = [['USERNAME', 'ID', 'ROLES', 'DISABLED', 'CREATED'], ...users.map(toRow)]
    const more = next_cursor === null ? [] : [`There are more: --cursor ${next_cursor}`]
    return {
      text: users.length === 0 ? 'There are no such users.' : [...toTable(rows), ...more].join('\n'),
      json: { users: users.map(toUserView), next_cursor },
    }
  },
})
