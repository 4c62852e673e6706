import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

export const invitationRevoke = defineCommand({
  name: 'invitation revoke',
  summary: 'Takes an invitation back that is open: its link opens nothing any more.',
  parameters: { id: 'one' },
  options: {},
  example: 'invitation revoke oYx0x9m1S1qVYfXh0b3n5A',
  run: async ({ id }) => {
    const { revokeInvitation } = await import('../administration/invitations.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    await withEngine('must exist', engine => revokeInvitation(engine, { id, origin }))
    return { text: `${id} opens nothing any more.`, json: { id } }
  },
})
