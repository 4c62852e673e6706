import type { FastifyInstance } from 'fastify'
import { everyone, permission, recentSignIn } from 'gatewright/access'
import { accountExample, accountSchema, toAccount } from 'gatewright/account'
import { createUser } from 'gatewright/administration'
import { newFieldsSchema, shownFieldsSchema } from 'gatewright/declared-fields'
import { register } from 'gatewright/register'
import { originOf, requireAccess } from 'gatewright/request'
import {
  anyText,
  email,
  idParams,
  integer,
  list,
  madeUpId,
  named,
  pageQuery,
  password,
  passwordExample,
  strictObject,
  text,
  timestamp,
  username,
} from 'gatewright/schemas'
import { typed } from 'gatewright/typed-app'
import { checkUserFieldValues, showUserFields } from 'gatewright/user-fields'
import { getPerson, listUsers, toPublicUser, type User } from 'gatewright/users'
import { everyKind } from '../audience.ts'
import { userFields } from './fields.ts'

const publicUserSchema = named(
  'PublicUser',
  strictObject({
    id: anyText,
    username: anyText,
    created_at: timestamp,
    fields: shownFieldsSchema(userFields, 'public'),
  }),
)
const publicUserExample = {
  id: madeUpId,
  username: 'alice',
  created_at: '2026-11-21T12:00:00.000Z',
  fields: {},
}

const toView = (user: User) => ({
  ...toPublicUser(user),
  fields: showUserFields(userFields, user.fields, 'public'),
})

export const userRoutes = async (scope: FastifyInstance): Promise<void> => {
  const app = typed(scope)
  const { gatewright } = scope
  const reads = {
    access: permission('users:read'),
    principals: everyKind,
    limit: 'read',
    audit: 'none',
  } as const

  app.get(
    '/users',
    {
      config: {
        gate: reads,
        reference: {
          tag: 'Users',
          summary: 'The public fields of all users',
          example: {
            query: { page: 1, per_page: 20 },
            answer: { users: [publicUserExample], page: 1, per_page: 20, total: 1 },
          },
        },
      },
      schema: {
        querystring: pageQuery,
        response: {
          200: strictObject({
            users: list(publicUserSchema),
            page: integer,
            per_page: integer,
            total: integer,
          }),
        },
      },
    },
    async ({ query: { page = 1, per_page = 20 } }) => {
      const { users, total } = await listUsers(gatewright.db, { page, perPage: per_page })
      return { users: users.map(toView), page, per_page, total }
    },
  )

  app.get(
    '/users/:id',
    {
      config: {
        gate: reads,
        reference: {
          tag: 'Users',
          summary: 'The public fields of one user',
          example: { answer: publicUserExample },
        },
      },
      schema: { params: idParams, response: { 200: publicUserSchema } },
    },
    async ({ params }) => toView(await getPerson(gatewright.db, params.id)),
  )

  app.post(
    '/users',
    {
      config: {
        gate: {
          access: everyone(),
          furtherAccess: recentSignIn(),
          principals: everyKind,
          limit: 'registration',
          audit: ['user.registered', 'user.created', 'password.taken-with-doubt'],
        },
        reference: {
          tag: 'Users',
          summary: 'Register or, for an administrator, make a user with roles',
          refusals: [
            'username_taken',
            'password_too_short',
            'password_blocklisted',
            'insufficient_permission',
            'insufficient_user_authentication',
            'second_factor_required',
          ],
          example: {
            body: { username: 'carol', password: passwordExample },
            answer: accountExample(gatewright, 'carol'),
          },
        },
      },
      schema: {
        body: strictObject(
          {
            username,
            password,
            email,
            roles: { ...list(text(1, 64)), maxItems: 100 },
            fields: newFieldsSchema(userFields, 'administrator'),
          },
          ['email', 'roles', 'fields'],
        ),
        response: { 201: accountSchema(userFields) },
      },
    },
    async (request, reply) => {
      const { roles, fields: given = {}, ...rest } = request.body
      const { principal } = request
      const isAdministrator = principal?.permissions.has('users:write') ?? false
      if (roles !== undefined) requireAccess(request, permission('users:write'))
      if (isAdministrator) requireAccess(request, recentSignIn())
      const fields = checkUserFieldValues(userFields, given, isAdministrator ? 'administrator' : 'self')
      const registration = { ...rest, fields }
      const user = isAdministrator
        ? await createUser(
            gatewright,
            { ...registration, roles: roles ?? ['user'] },
            originOf(request),
            principal,
          )
        : await register(gatewright, registration, originOf(request))
      return reply.code(201).send(toAccount(gatewright, user, userFields))
    },
  )
}
