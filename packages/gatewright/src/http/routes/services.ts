import type { FastifyInstance } from 'fastify'
import {
  changeServiceRoles,
  createService,
  deleteService,
  disableService,
  enableService,
} from '../../administration/services.ts'
import type { AuditEventName } from '../../audit/events.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { getService, listServicesBehind, type Service } from '../../users/services.ts'
import { type ListName, readCursor, toCursorPage } from '../cursor.ts'
import { callerOf, originOf } from '../request.ts'
import {
  anyText,
  cursorPage,
  cursorQuery,
  idParams,
  list,
  madeUpId,
  named,
  nothing,
  strictObject,
  text,
  textOrNull,
  timestamp,
  username,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'

const serviceSchema = named(
  'Service',
  strictObject({
    id: anyText,
    name: anyText,
    description: textOrNull,
    roles: list(anyText),
    state: { enum: ['enabled', 'disabled'] },
    disabled_at: textOrNull,
    created_at: timestamp,
  }),
)

const example = {
  id: madeUpId,
  name: 'nightly-reports',
  description: 'Reads the posts for the report of the night',
  roles: ['user'],
  state: 'enabled',
  disabled_at: null,
  created_at: '2026-11-21T12:00:00.000Z',
} as const

const toView = ({ roles, disabledAt, createdAt, ...service }: Service) => ({
  ...service,
  roles: [...roles],
  state: disabledAt === null ? ('enabled' as const) : ('disabled' as const),
  disabled_at: toTimestampOrNull(disabledAt),
  created_at: toTimestamp(createdAt),
})

const reads = { access: permission('users:write'), limit: 'read', audit: 'none' } as const

const writes = (...audit: readonly [AuditEventName, ...AuditEventName[]]) =>
  ({ access: allOf(permission('users:write'), recentSignIn()), limit: 'write', audit }) as const

const tag = 'Administration'
const roles = { ...list(text(1, 64)), maxItems: 100 } as const

const createRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/services',
    {
      config: {
        gate: writes('service.created'),
        reference: {
          tag,
          summary:
            'Create a service: a program that is let in by API keys alone, with roles that you hold yourself',
          refusals: ['username_taken'],
          example: {
            body: { name: 'backup', description: 'Fetches what is new, every hour', roles: ['user'] },
            answer: { ...example, name: 'backup', description: 'Fetches what is new, every hour' },
          },
        },
      },
      schema: {
        body: strictObject({ name: username, description: text(0, 500), roles }, ['description', 'roles']),
        response: { 201: serviceSchema },
      },
    },
    async (request, reply) => {
      const { name, description, roles: given = [] } = request.body
      const asked = { name, description, roles: given }
      const service = await createService(engine, asked, originOf(request), callerOf(request))
      return reply.code(201).send(toView(service))
    },
  )
}

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/services',
    {
      config: {
        gate: reads,
        reference: {
          tag,
          summary: 'Services, oldest first, page by cursor',
          example: { query: { limit: 20 }, answer: { data: [example], next_cursor: null } },
        },
      },
      schema: { querystring: cursorQuery, response: { 200: cursorPage(serviceSchema) } },
    },
    async ({ query: { cursor, limit = 20 } }) => {
      const name: ListName = ['admin/services', {}]
      const after = readCursor(cursor, name, 'number')
      return toCursorPage(name, await listServicesBehind(engine.db, { limit, after }), toView)
    },
  )
}

const showRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/services/:id',
    {
      config: { gate: reads, reference: { tag, summary: 'One service', example: { answer: example } } },
      schema: { params: idParams, response: { 200: serviceSchema } },
    },
    async ({ params }) => toView(await getService(engine.db, params.id)),
  )
}

const rolesRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).put(
    '/admin/services/:id/roles',
    {
      config: {
        gate: writes('service.roles-changed'),
        reference: {
          tag,
          summary: 'Replace the roles of a service: what its API keys may do follows at once',
          example: { body: { roles: ['moderator'] }, answer: { ...example, roles: ['moderator'] } },
        },
      },
      schema: { params: idParams, body: strictObject({ roles }), response: { 200: serviceSchema } },
    },
    async request => {
      const target = { serviceId: request.params.id, origin: originOf(request), roles: request.body.roles }
      return toView(await changeServiceRoles(engine, target, callerOf(request)))
    },
  )
}

const disabled = { ...example, state: 'disabled', disabled_at: '2026-11-22T12:00:00.000Z' } as const

const states = [
  {
    path: '/admin/services/:id/disable',
    change: disableService,
    gate: writes('service.disabled', 'api-key.ended'),
    summary: 'Disable a service: its API keys end at once',
    answer: disabled,
  },
  {
    path: '/admin/services/:id/enable',
    change: enableService,
    gate: writes('service.enabled'),
    summary: 'Enable a service again: it needs new API keys, those that have ended stay ended',
    answer: example,
  },
] as const

const stateRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const { path, change, gate, summary, answer } of states)
    typed(app).post(
      path,
      {
        config: { gate, reference: { tag, summary, example: { answer } } },
        schema: { params: idParams, body: nothing, response: { 200: serviceSchema } },
      },
      async request => {
        const target = { serviceId: request.params.id, origin: originOf(request) }
        return toView(await change(engine, target, callerOf(request)))
      },
    )
}

const deleteRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/admin/services/:id',
    {
      config: {
        gate: writes('service.deleted', 'api-key.ended'),
        reference: { tag, summary: 'Delete a service for good: its API keys end at once', example: {} },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      const target = { serviceId: request.params.id, origin: originOf(request) }
      await deleteService(engine, target, callerOf(request))
      return reply.code(204).send(null)
    },
  )
}

/** Services, as those see and change them who administer users. Their API keys have routes of their own. */
export const serviceRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, createRoute, showRoute, rolesRoute, stateRoutes, deleteRoute])
    add(app, engine)
}
