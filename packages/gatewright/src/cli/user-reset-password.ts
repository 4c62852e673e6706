import type { WayBack } from '../administration/force-password-change.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getUserByName, toUserView } from './users.ts'

const told: Readonly<Record<WayBack, string>> = {
  'by mail': 'A mail with a link is on its way, and the former password opens nothing any more.',
  'at the next sign-in':
    'No mail reaches this user: the former password opens the choice of another, and nothing else.',
}

export const userResetPassword = defineCommand({
  name: 'user reset-password',
  summary:
    'Asks for a new password of a user. All sessions of the user end; the user chooses one by a link from a mail or, where no mail comes, right after the next sign-in.',
  parameters: { username: 'one' },
  options: { reason: { kind: 'text', value: 'text', describe: 'Why, for the audit log.' } },
  example: 'user reset-password bob --reason "the laptop was stolen"',
  run: ({ username, reason }) =>
    withEngine('must exist', async engine => {
      const { forcePasswordChange } = await import('../administration/force-password-change.ts')
      const { commandLineOrigin: origin } = await import('../audit/record.ts')
      const { id: userId } = await getUserByName(engine, username)
      const way = await forcePasswordChange(engine, { userId, reason, origin })
      const user = await getUserByName(engine, username)
      return {
        text: `${user.username} must choose a new password. ${told[way]}`,
        json: { way: way.replaceAll(' ', '_'), user: toUserView(user) },
      }
    }),
})
