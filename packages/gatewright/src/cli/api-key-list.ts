import { stateOf } from '../api-keys/key-rows.ts'
import { toList } from '../api-keys/known-keys.ts'
import { listKeysBehind, type OwnedKey } from '../api-keys/list-keys.ts'
import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import type { Place } from '../storage/keyset.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'

const limit = 500

const toView = (now: number, row: OwnedKey) => ({
  id: row.id,
  owner: row.username,
  kind: row.kind,
  name: row.name,
  state: stateOf(row, now),
  permissions: toList(row.permissions),
  allowed_addresses: toList(row.allowed_addresses),
  created_at: toTimestamp(row.created_at),
  expires_at: toTimestampOrNull(row.expires_at),
  last_used_at: toTimestampOrNull(row.last_used_at),
})

type View = ReturnType<typeof toView>

const listAll = async ({ db, clock }: Engine): Promise<readonly View[]> => {
  const all: View[] = []
  let after: Place | undefined
  do {
    const page = await listKeysBehind(db, { limit, after })
    all.push(...page.rows.map(row => toView(clock.now(), row)))
    after = page.next
  } while (after !== undefined)
  return all
}

const toRow = ({ id, owner, name, state, permissions, expires_at, last_used_at }: View) => [
  id,
  owner,
  name,
  state,
  permissions.join(', ') || 'none',
  expires_at ?? 'never',
  last_used_at ?? 'never',
]

export const apiKeyList = defineCommand({
  name: 'api-key list',
  summary: 'Lists the API keys of users and services, oldest first, without the keys themselves.',
  parameters: {},
  options: {},
  example: 'api-key list',
  run: async () => {
    const keys = await withEngine('must exist', listAll)
    const rows = [['ID', 'OWNER', 'NAME', 'STATE', 'MAY', 'UNTIL', 'LAST USED'], ...keys.map(toRow)]
    return {
      text: keys.length === 0 ? 'There are no API keys.' : toTable(rows).join('\n'),
      json: { api_keys: keys },
    }
  },
})
