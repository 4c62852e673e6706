import type { FastifyInstance } from 'fastify'
import { type AnySession, endAnySession, listSessionsBehind } from '../../administration/sessions.ts'
import type { Engine } from '../../compose.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { type ListName, readCursor, toCursorPage } from '../cursor.ts'
import { callerOf, originOf, principalOf } from '../request.ts'
import {
  anyText,
  cursorPage,
  cursorQuery,
  id,
  idParams,
  madeUpId,
  named,
  nothing,
  strictObject,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'
import { sessionExample, sessionSchema, toSession } from './sessions.ts'

const anySessionSchema = named(
  'AnySession',
  strictObject({
    ...sessionSchema.properties,
    user: strictObject({ id: anyText, username: anyText }),
  }),
)

const example = { ...sessionExample, user: { id: madeUpId, username: 'alice' } }

const toView = async ({ session, username }: AnySession, currentId: string) => ({
  ...(await toSession(session, currentId)),
  user: { id: session.user_id, username },
})

const sessionQuery = strictObject({ ...cursorQuery.properties, user: id }, ['cursor', 'limit', 'user'])

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/sessions',
    {
      config: {
        gate: { access: permission('sessions:write'), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Administration',
          summary:
            'Live sessions of everybody, or of one user, the newest sign-in first; a page may hold fewer than `limit` and still have a next one',
          example: { query: { limit: 20 }, answer: { data: [example], next_cursor: null } },
        },
      },
      schema: { querystring: sessionQuery, response: { 200: cursorPage(anySessionSchema) } },
    },
    async request => {
      const { cursor, limit = 20, user: userId } = request.query
      const name: ListName = ['admin/sessions', { userId }]
      const after = readCursor(cursor, name, 'number')
      const page = await listSessionsBehind(engine, { limit, after, userId })
      const { sessionId } = principalOf(request)
      const rows = await Promise.all(page.rows.map(row => toView(row, sessionId)))
      return toCursorPage(name, { ...page, rows }, row => row)
    },
  )
}

const endRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/admin/sessions/:id',
    {
      config: {
        gate: {
          access: allOf(permission('sessions:write'), recentSignIn()),
          limit: 'write',
          audit: ['session.ended'],
        },
        reference: { tag: 'Administration', summary: "End one session, anybody's", example: {} },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      const target = { sessionId: request.params.id, origin: originOf(request) }
      await endAnySession(engine, target, callerOf(request))
      return reply.code(204).send(null)
    },
  )
}

/** Everybody's sessions, for those who may end them. */
export const adminSessionRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, endRoute]) add(app, engine)
}
