import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getServiceByName, toServiceView } from './services.ts'

export const serviceRole = defineCommand({
  name: 'service role',
  summary:
    'Gives a service the roles named, in place of those held. What its API keys may do follows at once.',
  parameters: { name: 'one', role: 'some' },
  options: {},
  example: 'service role nightly-reports moderator',
  run: async ({ name, role: roles }) => {
    const { changeServiceRoles } = await import('../administration/services.ts')
    const { checkRoles } = await import('../administration/users.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => {
      checkRoles(engine, roles, '/role')
      const { id: serviceId } = await getServiceByName(engine, name)
      const service = await changeServiceRoles(engine, { serviceId, roles, origin })
      return {
        text: `${service.name} has ${service.roles.join(', ')}.`,
        json: { service: toServiceView(service) },
      }
    })
  },
})
