import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

export const secretRetire = defineCommand({
  name: 'secret retire',
  summary: 'Ends what rests on a former secret, sessions included, so that it can be taken out at once.',
  parameters: { id: 'one' },
  options: {},
  example: 'secret retire Xy12Ab',
  run: async ({ id: secretId }) => {
    const { retireSecret } = await import('../administration/retire-secret.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    return withEngine('must exist', async engine => {
      const sessions = await retireSecret(engine, { secretId, origin })
      return {
        text: `Nothing rests on ${secretId} any more; sessions ended: ${sessions}. Take it out of GATEWRIGHT_SECRET at every process.`,
        json: { id: secretId, sessions_ended: sessions },
      }
    })
  },
})
