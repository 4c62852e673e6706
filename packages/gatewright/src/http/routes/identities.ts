import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type LinkedIdentity,
  linkIdentity,
  listIdentities,
  unlinkIdentity,
} from '../../administration/identities.ts'
import { issuerPattern } from '../../administration/issuers.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { Refusal } from '../../ground/refusal.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { getPerson } from '../../users/users.ts'
import { callerOf, originOf } from '../request.ts'
import { anyText, idParams, list, nothing, strictObject, text, timestamp } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const path = '/admin/users/:id/identities'
const access = allOf(permission('users:write'), recentSignIn())

const named = {
  issuer: { type: 'string', maxLength: 255, pattern: issuerPattern },
  /** A query can carry a NUL, which PostgreSQL can not: a body is held to that already. */
  subject: { ...text(1, 1_000), pattern: '^[^\\u0000]+$' },
} as const
export const identitySchema = strictObject({ issuer: anyText, subject: anyText, linked_at: timestamp })
export const linkExample = {
  issuer: 'https://sso.example.org/realms/main',
  subject: 'bob-at-the-other-issuer',
}

const toView = ({ issuer, subject, linkedAt }: LinkedIdentity) => ({
  issuer,
  subject,
  linked_at: toTimestamp(linkedAt),
})

type Named = { readonly issuer: string; readonly subject: string }

/** A user by the path's id, and whom another issuer names. A service is none here. @throws Refusal `not_found` */
const linkOf = async (engine: Engine, request: FastifyRequest, { issuer, subject }: Named) => {
  const { id: userId } = request.params as { readonly id: string }
  await getPerson(engine.db, userId)
  return { issuer, subject, userId, origin: originOf(request) }
}

/** For whom tokens of other issuers act (`TRUSTED_ISSUERS`), as administrators decide it. */
export const identityRoutes = (scope: FastifyInstance, engine: Engine): void => {
  const app = typed(scope)

  app.get(
    path,
    {
      config: {
        gate: { access: permission('users:write'), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Administration',
          summary: 'The subjects of other issuers whose access tokens act for a user',
          example: { answer: { data: [{ ...linkExample, linked_at: '2026-11-22T08:30:00.000Z' }] } },
        },
      },
      schema: { params: idParams, response: { 200: strictObject({ data: list(identitySchema) }) } },
    },
    async ({ params }) => {
      await getPerson(engine.db, params.id)
      return { data: (await listIdentities(engine.db, params.id)).map(toView) }
    },
  )

  app.post(
    path,
    {
      config: {
        gate: { access, limit: 'write', audit: ['identity.linked'] },
        reference: {
          tag: 'Administration',
          summary:
            'Let access tokens of a subject of another issuer act for a user: nothing is compared, so be sure that they are one person',
          refusals: ['conflict'],
          example: { body: linkExample },
        },
      },
      schema: { params: idParams, body: strictObject(named), response: { 204: nothing } },
    },
    async (request, reply) => {
      const link = await linkOf(engine, request, request.body)
      await linkIdentity(engine, link, callerOf(request))
      return reply.code(204).send(null)
    },
  )

  app.delete(
    path,
    {
      config: {
        gate: { access, limit: 'write', audit: ['identity.unlinked'] },
        reference: {
          tag: 'Administration',
          summary: 'Take such a link away: tokens of that subject are refused at once',
          example: { query: linkExample },
        },
      },
      schema: { params: idParams, querystring: strictObject(named), response: { 204: nothing } },
    },
    async (request, reply) => {
      const link = await linkOf(engine, request, request.query)
      if (!(await unlinkIdentity(engine, link, callerOf(request)))) throw new Refusal('not_found')
      return reply.code(204).send(null)
    },
  )
}
