import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getUserByName, toUserView } from './users.ts'

export const userResetFactors = defineCommand({
  name: 'user reset-factors',
  summary:
    'Removes all second factors of a user who has lost them. All sessions of the user end; the next sign-in asks for the password alone. One that was too short to be alone opens nothing any more, where its user can choose another by mail.',
  parameters: { username: 'one' },
  options: {
    reason: {
      kind: 'text',
      value: 'text',
      required: true,
      describe: 'Why, for the audit log: how you know that it is the user who asks.',
    },
  },
  example: 'user reset-factors bob --reason "lost the telephone, came to the office with a passport"',
  run: ({ username, reason }) =>
    withEngine('must exist', async engine => {
      const { resetFactors } = await import('../administration/reset-factors.ts')
      const { commandLineOrigin: origin } = await import('../audit/record.ts')
      const user = await getUserByName(engine, username)
      const changed = await resetFactors(engine, { userId: user.id, reason, origin })
      const text = changed
        ? `${user.username} has no second factor any more.`
        : `${user.username} had no second factor.`
      return { text, json: { changed, user: toUserView(user) } }
    }),
})
