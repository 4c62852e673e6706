import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

export const roleDelete = defineCommand({
  name: 'role delete',
  summary: 'Deletes a role that was made and that nobody has.',
  parameters: { name: 'one' },
  options: {},
  example: 'role delete support',
  run: async ({ name }) => {
    const { deleteRole } = await import('../administration/change-role.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    await withEngine('must exist', engine => deleteRole(engine, { name, origin }))
    return { text: `There is no role ${name} any more.`, json: { name } }
  },
})
