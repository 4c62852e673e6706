import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toAllowed, toRoleView } from './roles.ts'

export const roleCreate = defineCommand({
  name: 'role create',
  summary: 'Makes a role of permissions that are built in or that the application has declared.',
  parameters: { name: 'one' },
  options: {
    permission: {
      kind: 'texts',
      value: 'name',
      describe: 'What the role allows; may be repeated. Without it, nothing yet.',
    },
    description: { kind: 'text', value: 'text', describe: 'What the role is for.' },
  },
  example: 'role create support --permission users:read --permission sessions:write',
  run: ({ name, permission: permissions, description = '' }) =>
    withEngine('must exist', async engine => {
      const { createRole } = await import('../administration/change-role.ts')
      const { commandLineOrigin: origin } = await import('../audit/record.ts')
      const role = await createRole(engine, { name, description, permissions }, origin)
      return { text: `Made the role ${role.name}: ${toAllowed(role)}.`, json: { role: toRoleView(role) } }
    }),
})
