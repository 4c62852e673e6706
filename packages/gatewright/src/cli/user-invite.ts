import { builtInRoleNames } from '../permissions/roles.ts'
import { defineCommand } from './command.ts'
import { checkEmail } from './email-option.ts'
import { withEngine } from './engine.ts'
import { toInvitationView } from './invitations.ts'
import { getLocale, localeNames } from './locale-option.ts'

export const userInvite = defineCommand({
  name: 'user invite',
  summary:
    'Invites somebody by mail, who registers with the link within seven days. A running server sends it.',
  parameters: {},
  options: {
    email: { kind: 'text', value: 'address', required: true, describe: 'Where the invitation is sent.' },
    role: {
      kind: 'texts',
      value: 'role',
      describe: `${builtInRoleNames.join(', ')}, or one of the application's own; may be repeated. Default: user.`,
    },
    locale: {
      kind: 'text',
      value: 'language',
      describe: `The language of the mail: ${localeNames}. Default: en.`,
    },
  },
  example: 'user invite --email carol@example.org --role moderator',
  run: async ({ email, role, locale: named }) => {
    const roles = role.length > 0 ? role : ['user']
    await checkEmail(email)
    const locale = getLocale(named)
    const { invite } = await import('../administration/invitations.ts')
    const { commandLineOrigin } = await import('../audit/record.ts')
    const invitation = await withEngine('must exist', engine =>
      invite(engine, { email, roles, locale }, commandLineOrigin),
    )
    const view = toInvitationView(invitation)
    return {
      text: `Invited ${email} (${view.roles.join(', ')}), until ${view.expires_at}. A running server sends the mail.`,
      json: { invitation: view },
    }
  },
})
