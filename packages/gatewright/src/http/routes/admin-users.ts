import type { FastifyInstance } from 'fastify'
import { type AdministeredUser, getAdministeredUser } from '../../administration/find-users.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { permission } from '../../permissions/access-rule.ts'
import { listUsersBehind } from '../../users/list-users-behind.ts'
import type { User } from '../../users/users.ts'
import { type ListName, readCursor, toCursorPage } from '../cursor.ts'
import {
  anyText,
  cursorPage,
  cursorQuery,
  flag,
  idParams,
  integer,
  list,
  madeUpId,
  named,
  strictObject,
  text,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'

export const listedProperties = {
  id: anyText,
  username: anyText,
  email: textOrNull,
  email_verified: flag,
  roles: list(anyText),
  state: { enum: ['enabled', 'disabled'] },
  disabled_at: textOrNull,
  password_change_due: flag,
  created_at: timestamp,
} as const

const listedUserSchema = named('ListedUser', strictObject(listedProperties))

/** A user as administrators see one. */
const administeredUserSchema = named(
  'AdministeredUser',
  strictObject({
    ...listedProperties,
    has_password: flag,
    factors: strictObject({
      methods: list(anyText),
      passkeys: integer,
      totp: flag,
      recovery_codes: integer,
    }),
    sessions: integer,
    api_keys: integer,
    last_sign_in_at: textOrNull,
  }),
)

const listedExample = {
  id: madeUpId,
  username: 'alice',
  email: null,
  email_verified: false,
  roles: ['admin'],
  state: 'enabled',
  disabled_at: null,
  password_change_due: false,
  created_at: '2026-11-21T12:00:00.000Z',
} as const

const administeredUserExample = {
  ...listedExample,
  has_password: true,
  factors: { methods: [], passkeys: 0, totp: false, recovery_codes: 0 },
  sessions: 2,
  api_keys: 0,
  last_sign_in_at: '2026-11-22T08:30:00.000Z',
}

export const toListed = (user: User) => ({
  id: user.id,
  username: user.username,
  email: user.email,
  email_verified: user.emailVerified,
  roles: [...user.roles],
  state: user.disabledAt === null ? ('enabled' as const) : ('disabled' as const),
  disabled_at: toTimestampOrNull(user.disabledAt),
  password_change_due: user.passwordChangeDue,
  created_at: toTimestamp(user.createdAt),
})

const toAdministered = (user: AdministeredUser) => ({
  ...toListed(user),
  has_password: user.hasPassword,
  factors: {
    methods: [...user.factors.methods],
    passkeys: user.factors.passkeys,
    totp: user.factors.totp,
    recovery_codes: user.factors.recoveryCodes,
  },
  sessions: user.sessions,
  api_keys: user.apiKeys,
  last_sign_in_at: toTimestampOrNull(user.lastSignInAt),
})

const reads = { access: permission('users:write'), limit: 'read', audit: 'none' } as const

const userQuery = strictObject(
  {
    ...cursorQuery.properties,
    q: text(1, 254),
    role: text(1, 64),
    state: { enum: ['enabled', 'disabled'] },
  },
  ['cursor', 'limit', 'q', 'role', 'state'],
)

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/users',
    {
      config: {
        gate: reads,
        reference: {
          tag: 'Administration',
          summary:
            'Users: all, those whose username begins with `q` (or, with an @ in it, whose address does), those of a role, and those who are enabled or disabled; a page may hold fewer than `limit` and still have a next one',
          example: {
            query: { q: 'al', role: 'admin', state: 'enabled', limit: 20 },
            answer: { data: [listedExample], next_cursor: null },
          },
        },
      },
      schema: { querystring: userQuery, response: { 200: cursorPage(listedUserSchema) } },
    },
    async ({ query: { cursor, limit = 20, ...search } }) => {
      const name: ListName = ['admin/users', search]
      const after = readCursor(cursor, name, 'string')
      return toCursorPage(name, await listUsersBehind(engine.db, { limit, after, ...search }), toListed)
    },
  )
}

const showRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/users/:id',
    {
      config: {
        gate: reads,
        reference: {
          tag: 'Administration',
          summary: 'One user: roles, state, address, factors by kind, and how many sessions and keys',
          example: { answer: administeredUserExample },
        },
      },
      schema: { params: idParams, response: { 200: administeredUserSchema } },
    },
    async ({ params }) => toAdministered(await getAdministeredUser(engine, params.id)),
  )
}

/** Users as those see them who administer them: never a service, and never a secret. */
export const adminUserRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, showRoute]) add(app, engine)
}
