import type { FastifyInstance, FastifyRequest } from 'fastify'
import { revokeApiKey } from '../../administration/api-keys.ts'
import { makeApiKey } from '../../administration/make-api-key.ts'
import { rotateApiKey, usualOverlap } from '../../administration/rotate-api-key.ts'
import { getOwnedKey, listKeysBehind, type OwnedKey } from '../../api-keys/list-keys.ts'
import type { AuditEventName } from '../../audit/events.ts'
import type { Engine } from '../../compose.ts'
import { refuseToGive } from '../../gate/switched-off.ts'
import { second, toTimestamp } from '../../ground/clock.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import {
  keyExample,
  keyProperties,
  madeKeyExample,
  madeKeySchema,
  newKeyBody,
  newKeyExample,
  rotatedExample,
  rotatedSchema,
  rotationBody,
  toKeyView,
  toNewKey,
} from '../api-key-view.ts'
import { type ListName, readCursor, toCursorPage } from '../cursor.ts'
import { callerOf, originOf } from '../request.ts'
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

const tag = 'Administration'
const reads = { access: permission('api-keys:write'), limit: 'read', audit: 'none' } as const

const writes = (...audit: readonly AuditEventName[]) =>
  ({ access: allOf(permission('api-keys:write'), recentSignIn()), limit: 'write', audit }) as const

const makes = (...audit: readonly AuditEventName[]) => ({ ...writes(...audit), limit: 'new-key' }) as const

const ownerSchema = strictObject({ id: anyText, username: anyText, kind: anyText })
const ownedKeySchema = named('OwnedApiKey', strictObject({ ...keyProperties, owner: ownerSchema }))
const ownedExample = { ...keyExample, owner: { id: madeUpId, username: 'alice', kind: 'user' } }

const toOwnedView = (engine: Engine, row: OwnedKey) => ({
  ...toKeyView(engine, row),
  owner: { id: row.user_id, username: row.username, kind: row.kind },
})

const changeOf = (request: FastifyRequest, ownerId: string) => ({
  ownerId,
  caller: callerOf(request),
  origin: originOf(request),
})

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/api-keys',
    {
      config: {
        gate: reads,
        reference: {
          tag,
          summary: 'API keys of everybody, or of one owner, oldest first, page by cursor',
          example: { query: { limit: 20 }, answer: { data: [ownedExample], next_cursor: null } },
        },
      },
      schema: {
        querystring: strictObject({ ...cursorQuery.properties, owner_id: id }, [
          'cursor',
          'limit',
          'owner_id',
        ]),
        response: { 200: cursorPage(ownedKeySchema) },
      },
    },
    async ({ query: { cursor, limit = 20, owner_id: ownerId } }) => {
      const name: ListName = ['admin/api-keys', { ownerId }]
      const after = readCursor(cursor, name, 'number')
      const page = await listKeysBehind(engine.db, { limit, after, ownerId })
      return toCursorPage(name, page, row => toOwnedView(engine, row))
    },
  )
}

const makeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/api-keys',
    {
      config: {
        gate: makes('api-key.made'),
        reference: {
          tag,
          summary: 'Make an API key for a service, never for a person; it is shown this once',
          refusals: ['conflict'],
          example: { body: { owner_id: madeUpId, ...newKeyExample }, answer: madeKeyExample },
        },
      },
      schema: {
        body: strictObject({ owner_id: id, ...newKeyBody.properties }, ['expires_at', 'allowed_addresses']),
        response: { 201: madeKeySchema },
      },
    },
    async (request, reply) => {
      refuseToGive(engine.places, 'api-key')
      const { owner_id, ...asked } = request.body
      const { key, row } = await makeApiKey(engine, changeOf(request, owner_id), toNewKey(asked))
      return reply.code(201).send({ ...toKeyView(engine, row), key })
    },
  )
}

const rotateRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/api-keys/:id/rotate',
    {
      config: {
        gate: makes('api-key.rotated', 'api-key.ended'),
        reference: {
          tag,
          summary: 'Make a key of a service in the place of another, which goes on for `overlap` seconds',
          refusals: ['conflict'],
          example: rotatedExample,
        },
      },
      schema: { params: idParams, body: rotationBody, response: { 201: rotatedSchema } },
    },
    async (request, reply) => {
      refuseToGive(engine.places, 'api-key')
      const { id: keyId } = request.params
      const { user_id: ownerId } = await getOwnedKey(engine.db, keyId)
      const { overlap = usualOverlap / second } = request.body ?? {}
      const asked = { ...changeOf(request, ownerId), keyId, overlap: overlap * second }
      const { key, row, oldEndsAt } = await rotateApiKey(engine, asked)
      const replaced_ends_at = toTimestamp(oldEndsAt)
      return reply.code(201).send({ ...toKeyView(engine, row), key, replaces: keyId, replaced_ends_at })
    },
  )
}

const revokeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/admin/api-keys/:id',
    {
      config: {
        gate: writes('api-key.ended'),
        reference: { tag, summary: 'Revoke the API key of a user or service', example: {} },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      const { id: keyId } = request.params
      const { user_id: ownerId } = await getOwnedKey(engine.db, keyId)
      await revokeApiKey(engine, { ...changeOf(request, ownerId), keyId })
      return reply.code(204).send(null)
    },
  )
}

/** API keys of everybody: who administers them sees and revokes them, and makes those of services. */
export const adminApiKeyRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, makeRoute, rotateRoute, revokeRoute]) add(app, engine)
}
