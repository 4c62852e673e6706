import type { Engine } from '../compose.ts'
import type { Place } from '../storage/keyset.ts'
import type { Service } from '../users/services.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toServiceView } from './services.ts'
import { toTable } from './table.ts'

const limit = 500

const listAll = async ({ db }: Engine): Promise<readonly Service[]> => {
  const { listServicesBehind } = await import('../users/services.ts')
  const all: Service[] = []
  let after: Place | undefined
  do {
    const page = await listServicesBehind(db, { limit, after })
    all.push(...page.rows)
    after = page.next
  } while (after !== undefined)
  return all
}

const toRow = (service: Service): readonly string[] => {
  const { name, id, roles, disabled_at, created_at, description } = toServiceView(service)
  return [name, id, roles.join(', ') || 'none', disabled_at ?? 'no', created_at, description ?? '']
}

export const serviceList = defineCommand({
  name: 'service list',
  summary: 'Lists every service, oldest first.',
  parameters: {},
  options: {},
  example: 'service list',
  run: async () => {
    const services = await withEngine('must exist', listAll)
    const rows = [['NAME', 'ID', 'ROLES', 'DISABLED', 'CREATED', 'FOR'], ...services.map(toRow)]
    return {
      text: services.length === 0 ? 'There are no services.' : toTable(rows).join('\n'),
      json: { services: services.map(toServiceView) },
    }
  },
})
