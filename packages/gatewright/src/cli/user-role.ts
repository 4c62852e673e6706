import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getUserByName, toUserView } from './users.ts'

export const userRole = defineCommand({
  name: 'user role',
  summary: 'Gives a user the roles named, in place of those held. Live sessions have them at once.',
  parameters: { username: 'one', role: 'some' },
  options: {},
  example: 'user role bob moderator',
  run: async ({ username, role: roles }) => {
    const { changeRoles, checkRoles } = await import('../administration/users.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => {
      checkRoles(engine, roles, '/role')
      const { id } = await getUserByName(engine, username)
      await changeRoles(engine, { userId: id, roles, origin })
      const user = await getUserByName(engine, username)
      return { text: `${user.username} has ${user.roles.join(', ')}.`, json: { user: toUserView(user) } }
    })
  },
})
