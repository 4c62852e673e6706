import type { Engine } from '../compose.ts'
import { defineCommand } from './command.ts'
import { withEngine } from './engine.ts'
import { getUserByName } from './users.ts'

const options = {
  issuer: {
    kind: 'text',
    value: '<iss>',
    required: true,
    describe: 'The issuer, exactly as its tokens name it.',
  },
  subject: {
    kind: 'text',
    value: '<sub>',
    required: true,
    describe: 'The subject, exactly as its tokens name it.',
  },
  user: { kind: 'text', value: '<username>', required: true, describe: 'The user for whom it acts.' },
} as const

type Named = { readonly issuer: string; readonly subject: string; readonly user: string }

const toLink = async (engine: Engine, { issuer, subject, user: name }: Named) => {
  const { commandLineOrigin: origin } = await import('../audit/record.ts')
  const user = await getUserByName(engine, name)
  return { link: { issuer, subject, userId: user.id, origin }, username: user.username }
}

export const issuerLink = defineCommand({
  name: 'issuer link',
  summary:
    'Lets access tokens of a subject of another issuer act for a user, where the issuer’s entry asks for one.',
  parameters: {},
  options,
  example: 'issuer link --issuer https://example.eu.auth0.com/ --subject "auth0|6553" --user bob',
  run: async input => {
    const { linkIdentity } = await import('../administration/identities.ts')
    return withEngine('must exist', async engine => {
      const { link, username } = await toLink(engine, input)
      const changed = await linkIdentity(engine, link)
      return {
        text: `${link.subject} of ${link.issuer} ${changed ? 'acts' : 'acted already'} for ${username}.`,
        json: { changed, issuer: link.issuer, subject: link.subject, user_id: link.userId },
      }
    })
  },
})

export const issuerUnlink = defineCommand({
  name: 'issuer unlink',
  summary: 'Takes such a link away: tokens of that subject are refused at once, also in running servers.',
  parameters: {},
  options,
  example: 'issuer unlink --issuer https://example.eu.auth0.com/ --subject "auth0|6553" --user bob',
  run: async input => {
    const { unlinkIdentity } = await import('../administration/identities.ts')
    return withEngine('must exist', async engine => {
      const { link, username } = await toLink(engine, input)
      const changed = await unlinkIdentity(engine, link)
      return {
        text: `${link.subject} of ${link.issuer} ${changed ? 'acts no more' : 'did not act'} for ${username}.`,
        json: { changed, issuer: link.issuer, subject: link.subject, user_id: link.userId },
      }
    })
  },
})
