import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getUserByName, toUserView } from './users.ts'

export const userEndSessions = defineCommand({
  name: 'user end-sessions',
  summary: 'Ends all sessions of a user at once, also in running servers. The user may sign in again.',
  parameters: { username: 'one' },
  options: {},
  example: 'user end-sessions bob',
  run: ({ username }) =>
    withEngine('must exist', async engine => {
      const { endAllSessions } = await import('../administration/end-user-sessions.ts')
      const { commandLineOrigin: origin } = await import('../audit/record.ts')
      const user = await getUserByName(engine, username)
      const ended = await endAllSessions(engine, { userId: user.id, origin })
      return {
        text: `Ended ${ended} ${ended === 1 ? 'session' : 'sessions'} of ${user.username}.`,
        json: { ended, user: toUserView(user) },
      }
    }),
})
