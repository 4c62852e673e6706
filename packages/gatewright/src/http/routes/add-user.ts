import type { FastifyInstance } from 'fastify'
import { createUserByMail } from '../../administration/create-by-mail.ts'
import { invite } from '../../administration/invitations.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { defaultRole } from '../../permissions/roles.ts'
import { locales } from '../../users/locale.ts'
import { emailKey } from '../../users/users.ts'
import { takeFurther } from '../answer-refusal.ts'
import { callerOf, originOf } from '../request.ts'
import { email, list, named, strictObject, text, timestamp, username } from '../schemas.ts'
import { typed } from '../typed-app.ts'
import { listedProperties, toListed } from './admin-users.ts'
import { invitationExample, invitationSchema, toInvitationView } from './invitations.ts'

const createdSchema = named('CreatedUser', strictObject({ ...listedProperties, link_expires_at: timestamp }))

const body = strictObject(
  { email, username, roles: { ...list(text(1, 64)), maxItems: 100 }, locale: { enum: locales } },
  ['username', 'roles', 'locale'],
)

/**
 * Somebody new, by mail: with a name there is a user at once, who chooses a password by the link; without one whoever
 * reads the mail chooses both. No administrator sets or sees a password.
 */
export const addUserRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/users',
    {
      config: {
        gate: {
          access: allOf(permission('users:write'), recentSignIn()),
          limit: 'invitation',
          audit: ['user.invited', 'user.created'],
        },
        reference: {
          tag: 'Administration',
          summary:
            'Invite somebody by mail, to register with roles that you hold yourself; or, with `username`, create the user, who chooses a password by a link from the mail within seven days',
          refusals: ['conflict', 'username_taken'],
          example: {
            body: { email: invitationExample.email, roles: ['moderator', 'user'] },
            answer: { ...invitationExample, roles: ['moderator', 'user'], invited_by: 'alice' },
          },
        },
      },
      schema: { body, response: { 201: { anyOf: [invitationSchema, createdSchema] } } },
    },
    async (request, reply) => {
      const { email: to, username: name, roles = [defaultRole], locale } = request.body
      await takeFurther(engine, { passage: request.passage, reply }, { recipient: emailKey(to) })
      const asked = { email: to, roles, locale }
      const by = [originOf(request), callerOf(request)] as const
      if (name === undefined) {
        const invitation = await invite(engine, asked, ...by)
        return reply.code(201).send(toInvitationView(invitation))
      }
      const created = await createUserByMail(engine, { ...asked, username: name }, ...by)
      return reply
        .code(201)
        .send({ ...toListed(created.user), link_expires_at: toTimestamp(created.linkExpiresAt) })
    },
  )
}
