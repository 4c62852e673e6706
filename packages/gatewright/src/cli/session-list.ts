import type { AnySession } from '../administration/sessions.ts'
import type { Engine } from '../compose.ts'
import { toTimestamp } from '../ground/clock.ts'
import type { Place } from '../storage/keyset.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toTable } from './table.ts'
import { getUserByName } from './users.ts'

const limit = 500

const listAll = async (engine: Engine, userId: string | undefined): Promise<readonly AnySession[]> => {
  const { listSessionsBehind } = await import('../administration/sessions.ts')
  const all: AnySession[] = []
  let after: Place | undefined
  do {
    const page = await listSessionsBehind(engine, { limit, after, userId })
    all.push(...page.rows)
    after = page.next
  } while (after !== undefined)
  return all
}

const toView = ({ session, username }: AnySession) => ({
  id: session.id,
  user: { id: session.user_id, username },
  device: session.device,
  address: session.address,
  created_at: toTimestamp(session.created_at),
  last_used_at: toTimestamp(session.last_used_at),
  expires_at: toTimestamp(session.expires_at),
})

const toRow = (each: AnySession): readonly string[] => {
  const { id, user, address, created_at, last_used_at, device } = toView(each)
  return [id, user.username, address, created_at, last_used_at, device]
}

export const sessionList = defineCommand({
  name: 'session list',
  summary: 'Lists the live sessions of everybody, or of one user, the newest sign-in first.',
  parameters: {},
  options: {
    user: { kind: 'text', value: 'username', describe: 'Whose. Without it those of everybody.' },
  },
  example: 'session list --user bob',
  run: async ({ user }) => {
    const sessions = await withEngine('must exist', async engine =>
      listAll(engine, user === undefined ? undefined : (await getUserByName(engine, user)).id),
    )
    const rows = [['ID', 'USER', 'ADDRESS', 'SINCE', 'LAST USED', 'DEVICE'], ...sessions.map(toRow)]
    return {
      text: sessions.length === 0 ? 'Nobody is signed in.' : toTable(rows).join('\n'),
      json: { sessions: sessions.map(toView) },
    }
  },
})
