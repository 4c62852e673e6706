import { defineCommand, WrongUse } from './command.ts'
import { withEngine } from './engine.ts'
import { toAllowed, toRoleView } from './roles.ts'

export const roleChange = defineCommand({
  name: 'role change',
  summary:
    'Changes what a role that was made allows, at once for all who have it. The permissions named replace those before.',
  parameters: { name: 'one' },
  options: {
    permission: { kind: 'texts', value: 'name', describe: 'What the role allows; may be repeated.' },
    'no-permissions': { kind: 'flag', describe: 'The role allows nothing any more.' },
    description: { kind: 'text', value: 'text', describe: 'What the role is for.' },
  },
  example: 'role change support --permission users:read',
  run: async ({ name, permission, description, 'no-permissions': allowsNothing }) => {
    if (allowsNothing && permission.length > 0)
      throw new WrongUse('--permission and --no-permissions exclude each other: write one of them')
    if (!allowsNothing && permission.length === 0 && description === undefined)
      throw new WrongUse('nothing is to be changed: write --permission, --no-permissions or --description')
    const { changeRole } = await import('../administration/change-role.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    const change = {
      name,
      origin,
      ...((allowsNothing || permission.length > 0) && { permissions: permission }),
      ...(description !== undefined && { description }),
    }
    const role = await withEngine('must exist', engine => changeRole(engine, change))
    return { text: `${role.name} allows ${toAllowed(role)}.`, json: { role: toRoleView(role) } }
  },
})
