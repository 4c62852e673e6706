import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'

export const sessionEnd = defineCommand({
  name: 'session end',
  summary: 'Ends one session, at once, also in running servers. The user signs in again.',
  parameters: { id: 'one' },
  options: {},
  example: 'session end 4nB8kq0Yc7Qd3m1JtXv5zw',
  run: async ({ id }) => {
    const { endAnySession } = await import('../administration/sessions.ts')
    const { commandLineOrigin: origin } = await import('../audit/record.ts')
    await withEngine('must exist', engine => endAnySession(engine, { sessionId: id, origin }))
    return { text: `${id} is over.`, json: { id } }
  },
})
