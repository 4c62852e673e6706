import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { toServiceView } from './services.ts'

export const serviceCreate = defineCommand({
  name: 'service create',
  summary: 'Creates a service: a program that is let in by API keys alone, and signs in nowhere.',
  parameters: { name: 'one' },
  options: {
    role: {
      kind: 'texts',
      value: 'role',
      describe: 'A role that its keys may use; may be repeated. Without it they may do nothing yet.',
    },
    description: { kind: 'text', value: 'text', describe: 'What it is for.' },
  },
  example: 'service create nightly-reports --role user --description "the report of the night"',
  run: async ({ name, role: roles, description }) => {
    const { createService } = await import('../administration/services.ts')
    const { checkRoles } = await import('../administration/users.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => {
      checkRoles(engine, roles, '/role')
      const service = await createService(engine, { name, description, roles }, origin)
      return {
        text: `Created the service ${service.name} (${service.roles.join(', ') || 'no role'}), id ${service.id}.`,
        json: { service: toServiceView(service) },
      }
    })
  },
})
