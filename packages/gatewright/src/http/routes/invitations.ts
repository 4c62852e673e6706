import type { FastifyInstance } from 'fastify'
import { type Invitation, listInvitations, revokeInvitation } from '../../administration/invitations.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { callerOf, originOf } from '../request.ts'
import {
  anyText,
  idParams,
  integer,
  list,
  madeUpId,
  named,
  nothing,
  pageQuery,
  strictObject,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'

export const invitationSchema = named(
  'Invitation',
  strictObject({
    id: anyText,
    email: anyText,
    roles: list(anyText),
    invited_by: textOrNull,
    created_at: timestamp,
    expires_at: timestamp,
  }),
)

export const invitationExample = {
  id: madeUpId,
  email: 'carol@example.org',
  roles: ['user'],
  invited_by: null,
  created_at: '2026-11-21T12:00:00.000Z',
  expires_at: '2026-11-28T12:00:00.000Z',
}

export const toInvitationView = ({ id, email: to, roles, invitedBy, createdAt, expiresAt }: Invitation) => ({
  id,
  email: to,
  roles: [...roles],
  invited_by: invitedBy,
  created_at: toTimestamp(createdAt),
  expires_at: toTimestamp(expiresAt),
})

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/invitations',
    {
      config: {
        gate: { access: permission('users:write'), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Administration',
          summary: 'The invitations that are open, newest first',
          example: {
            query: { page: 1, per_page: 20 },
            answer: { invitations: [invitationExample], page: 1, per_page: 20, total: 1 },
          },
        },
      },
      schema: {
        querystring: pageQuery,
        response: {
          200: strictObject({
            invitations: list(invitationSchema),
            page: integer,
            per_page: integer,
            total: integer,
          }),
        },
      },
    },
    async ({ query: { page = 1, per_page = 20 } }) => {
      const { invitations, total } = await listInvitations(engine, { page, perPage: per_page })
      return { invitations: invitations.map(toInvitationView), page, per_page, total }
    },
  )
}

const revokeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/admin/invitations/:id',
    {
      config: {
        gate: {
          access: allOf(permission('users:write'), recentSignIn()),
          limit: 'write',
          audit: ['invitation.revoked'],
        },
        reference: {
          tag: 'Administration',
          summary: 'Take an invitation back: its link opens nothing any more',
          example: {},
        },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      const { id } = request.params
      await revokeInvitation(engine, { id, origin: originOf(request), caller: callerOf(request) })
      return reply.code(204).send(null)
    },
  )
}

/** Invitations by mail: who administers users sends them (`add-user.ts`), sees those that are open, and takes them back. */
export const invitationRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, revokeRoute]) add(app, engine)
}
