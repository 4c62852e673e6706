import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import type { User } from '../users/users.ts'
import { readAllPages } from './all-pages.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'
import { toUserView } from './users.ts'

const listAll = async ({ db }: Engine): Promise<readonly User[]> => {
  const { listUsers } = await import('../users/users.ts')
  return readAllPages(async page => (await listUsers(db, page)).users)
}

const toRow = ({ username, id, roles, disabledAt, createdAt }: User): readonly string[] => [
  username,
  id,
  roles.join(', ') || 'none',
  toTimestampOrNull(disabledAt) ?? 'no',
  toTimestamp(createdAt),
]

export const userList = defineCommand({
  name: 'user list',
  summary: 'Lists every user, oldest first.',
  parameters: {},
  options: {},
  example: 'user list',
  run: async () => {
    const users = await withEngine('must exist', listAll)
    const rows = [['USERNAME', 'ID', 'ROLES', 'DISABLED', 'CREATED'], ...users.map(toRow)]
    return {
      text: users.length === 0 ? 'There are no users.' : toTable(rows).join('\n'),
      json: { users: users.map(toUserView) },
    }
  },
})
