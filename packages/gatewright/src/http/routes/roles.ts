import type { FastifyInstance } from 'fastify'
import { changeRole, createRole, deleteRole } from '../../administration/change-role.ts'
import { getRole, listAllRoles, type Role } from '../../administration/roles.ts'
import type { Engine } from '../../compose.ts'
import { toTimestampOrNull } from '../../ground/clock.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { administrativePermissions } from '../../permissions/permissions.ts'
import { callerOf, originOf } from '../request.ts'
import { anyText, flag, integer, list, named, nothing, strictObject, text, textOrNull } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const roleSchema = named(
  'Role',
  strictObject({
    name: anyText,
    kind: { enum: ['built-in', 'declared', 'made'] },
    description: anyText,
    permissions: list(anyText),
    undeclared_permissions: list(anyText),
    administrative: flag,
    holders: integer,
    created_at: textOrNull,
    changed_at: textOrNull,
  }),
)

export const roleExample = {
  name: 'support',
  kind: 'made',
  description: 'answers questions of users',
  permissions: ['sessions:write', 'users:read'],
  undeclared_permissions: [],
  administrative: true,
  holders: 2,
  created_at: '2026-11-22T08:00:00.000Z',
  changed_at: '2026-11-22T08:00:00.000Z',
} as const

const toView = ({ kind, undeclared, createdAt, changedAt, permissions, ...role }: Role) => ({
  name: role.name,
  kind,
  description: role.description,
  permissions: [...permissions],
  undeclared_permissions: [...undeclared],
  administrative: permissions.some(one => administrativePermissions.has(one)),
  holders: role.holders,
  created_at: toTimestampOrNull(createdAt),
  changed_at: toTimestampOrNull(changedAt),
})

/** A role has no id but its name. */
/** Also what is no name of a role, and is found nowhere; but nothing that PostgreSQL can't read. */
const nameParams = strictObject({ id: { type: 'string', maxLength: 64, pattern: '^[\\w-]+$' } as const })
const description = text(0, 200)
const permissions = { ...list(text(1, 64)), maxItems: 200 } as const

const reads = permission('roles:write')
const writes = allOf(permission('roles:write'), recentSignIn())

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/roles',
    {
      config: {
        gate: { access: reads, limit: 'read', audit: 'none' },
        reference: {
          tag: 'Administration',
          summary: 'Every role: built in, declared by the application, or made here',
          example: { answer: { roles: [roleExample] } },
        },
      },
      schema: { response: { 200: strictObject({ roles: list(roleSchema) }) } },
    },
    async () => ({ roles: (await listAllRoles(engine)).map(toView) }),
  )
}

const permissionsRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/permissions',
    {
      config: {
        gate: { access: reads, limit: 'read', audit: 'none' },
        reference: {
          tag: 'Administration',
          summary: 'Every permission that a role can be made of, and what it allows',
          example: {
            answer: {
              permissions: [
                { name: 'users:read', allows: 'see the public fields of users', administrative: false },
              ],
            },
          },
        },
      },
      schema: {
        response: {
          200: strictObject({
            permissions: list(strictObject({ name: anyText, allows: anyText, administrative: flag })),
          }),
        },
      },
    },
    async () => ({
      permissions: [...engine.roleTable.permissions].map(([name, allows]) => ({
        name,
        allows,
        administrative: administrativePermissions.has(name),
      })),
    }),
  )
}

const createRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/roles',
    {
      config: {
        gate: { access: writes, limit: 'write', audit: ['role.created'] },
        reference: {
          tag: 'Administration',
          summary: 'Make a role of permissions that you hold yourself',
          refusals: ['conflict'],
          example: {
            body: {
              name: roleExample.name,
              description: roleExample.description,
              permissions: [...roleExample.permissions],
            },
            answer: { ...roleExample, holders: 0 },
          },
        },
      },
      schema: {
        body: strictObject({ name: text(1, 64), description, permissions }, ['description']),
        response: { 201: roleSchema },
      },
    },
    async (request, reply) => {
      const role = { description: '', ...request.body }
      const made = await createRole(engine, role, originOf(request), callerOf(request))
      return reply.code(201).send(toView(made))
    },
  )
}

const showRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/roles/:id',
    {
      config: {
        gate: { access: reads, limit: 'read', audit: 'none' },
        reference: {
          tag: 'Administration',
          summary: 'One role, by its name',
          example: { answer: roleExample },
        },
      },
      schema: { params: nameParams, response: { 200: roleSchema } },
    },
    async ({ params }) => toView(await getRole(engine, params.id)),
  )
}

const changeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).patch(
    '/admin/roles/:id',
    {
      config: {
        gate: { access: writes, limit: 'write', audit: ['role.changed', 'session.ended'] },
        reference: {
          tag: 'Administration',
          summary: 'Change what a role that was made allows, at once for all who have it',
          refusals: ['conflict'],
          example: {
            body: { permissions: ['users:read'] },
            answer: { ...roleExample, permissions: ['users:read'], administrative: false },
          },
        },
      },
      schema: {
        params: nameParams,
        body: {
          ...strictObject({ description, permissions }, ['description', 'permissions']),
          minProperties: 1,
        },
        response: { 200: roleSchema },
      },
    },
    async request => {
      const change = { ...request.body, name: request.params.id, origin: originOf(request) }
      return toView(await changeRole(engine, change, callerOf(request)))
    },
  )
}

const deleteRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/admin/roles/:id',
    {
      config: {
        gate: { access: writes, limit: 'write', audit: ['role.deleted'] },
        reference: {
          tag: 'Administration',
          summary: 'Delete a role that was made and that nobody has',
          refusals: ['conflict'],
          example: {},
        },
      },
      schema: { params: nameParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      const role = { name: request.params.id, origin: originOf(request) }
      await deleteRole(engine, role, callerOf(request))
      return reply.code(204).send(null)
    },
  )
}

/** Roles: who administers them sees all, and makes, changes and deletes those that do not stand in code. */
export const roleRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, permissionsRoute, createRoute, showRoute, changeRoute, deleteRoute])
    add(app, engine)
}
