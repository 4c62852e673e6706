import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getServiceByName } from './services.ts'

export const serviceDelete = defineCommand({
  name: 'service delete',
  summary: 'Deletes a service for good. All its API keys end at once; the name is free again after a year.',
  parameters: { name: 'one' },
  options: {},
  example: 'service delete nightly-reports',
  run: async ({ name }) => {
    const { deleteService } = await import('../administration/services.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => {
      const { id: serviceId, name: shown } = await getServiceByName(engine, name)
      await deleteService(engine, { serviceId, origin })
      return { text: `${shown} is deleted.`, json: { id: serviceId } }
    })
  },
})
