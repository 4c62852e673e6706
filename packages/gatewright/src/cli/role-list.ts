import type { Role } from '../administration/roles.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toAllowed, toRoleView } from './roles.ts'
import { toTable } from './table.ts'

const toRow = (role: Role): readonly string[] => [
  role.name,
  role.kind,
  String(role.holders),
  role.description,
  toAllowed(role),
]

export const roleList = defineCommand({
  name: 'role list',
  summary:
    'Lists every role with what it allows: built in, declared by the application as its last start said, or made at run time.',
  parameters: {},
  options: {},
  example: 'role list',
  run: async () => {
    const { listAllRoles } = await import('../administration/roles.ts')
    const roles = await withEngine('must exist', engine => listAllRoles(engine))
    return {
      text: toTable([['NAME', 'KIND', 'HELD BY', 'DESCRIPTION', 'ALLOWS'], ...roles.map(toRow)]).join('\n'),
      json: { roles: roles.map(toRoleView) },
    }
  },
})
