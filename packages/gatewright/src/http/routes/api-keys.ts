import type { FastifyInstance, FastifyRequest } from 'fastify'
import { revokeApiKey } from '../../administration/api-keys.ts'
import { type Change, makeApiKey } from '../../administration/make-api-key.ts'
import { rotateApiKey, usualOverlap } from '../../administration/rotate-api-key.ts'
import { listKeys } from '../../api-keys/key-rows.ts'
import type { Engine } from '../../compose.ts'
import { refuseToGive } from '../../gate/switched-off.ts'
import { second, toTimestamp } from '../../ground/clock.ts'
import { allOf, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import {
  keyExample,
  keySchema,
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
import { originOf, principalOf } from '../request.ts'
import { idParams, list, nothing, strictObject } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const tag = 'API keys'
const freshly = allOf(signedIn(), recentSignIn())

const ownChange = (request: FastifyRequest): Change => {
  const { userId, sessionId } = principalOf(request)
  return { ownerId: userId, caller: { userId, sessionId }, origin: originOf(request) }
}

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/api-keys',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: {
          tag,
          summary: 'The own API keys, newest first, without the keys themselves',
          example: { answer: { api_keys: [keyExample] } },
        },
      },
      schema: { response: { 200: strictObject({ api_keys: list(keySchema) }) } },
    },
    async request => {
      const rows = await listKeys(engine.db, principalOf(request).userId)
      return { api_keys: rows.map(row => toKeyView(engine, row)) }
    },
  )
}

const makeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/api-keys',
    {
      config: {
        gate: { access: freshly, limit: 'new-key', audit: ['api-key.made'] },
        reference: {
          tag,
          summary: 'Make an API key; it is shown this once',
          refusals: ['conflict', 'second_factor_required', 'insufficient_permission'],
          example: { body: newKeyExample, answer: madeKeyExample },
        },
      },
      schema: { body: newKeyBody, response: { 201: madeKeySchema } },
    },
    async (request, reply) => {
      refuseToGive(engine.places, 'api-key')
      const { key, row } = await makeApiKey(engine, ownChange(request), toNewKey(request.body))
      return reply.code(201).send({ ...toKeyView(engine, row), key })
    },
  )
}

const rotateRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/api-keys/:id/rotate',
    {
      config: {
        gate: { access: freshly, limit: 'new-key', audit: ['api-key.rotated', 'api-key.ended'] },
        reference: {
          tag,
          summary: 'Make a key in the place of another, which goes on for `overlap` seconds',
          refusals: ['conflict'],
          example: rotatedExample,
        },
      },
      schema: { params: idParams, body: rotationBody, response: { 201: rotatedSchema } },
    },
    async (request, reply) => {
      refuseToGive(engine.places, 'api-key')
      const { id: keyId } = request.params
      const { overlap = usualOverlap / second } = request.body ?? {}
      const asked = { ...ownChange(request), keyId, overlap: overlap * second }
      const { key, row, oldEndsAt } = await rotateApiKey(engine, asked)
      const replaced_ends_at = toTimestamp(oldEndsAt)
      return reply.code(201).send({ ...toKeyView(engine, row), key, replaces: keyId, replaced_ends_at })
    },
  )
}

const revokeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/api-keys/:id',
    {
      config: {
        gate: { access: freshly, limit: 'write', audit: ['api-key.ended'] },
        reference: {
          tag,
          summary: 'Revoke an API key; while it is being replaced, the one in its place as well',
          example: {},
        },
      },
      schema: { params: idParams, response: { 204: nothing } },
    },
    async (request, reply) => {
      await revokeApiKey(engine, { ...ownChange(request), keyId: request.params.id })
      return reply.code(204).send(null)
    },
  )
}

/** The own API keys: make, list, rotate, revoke. No key may do any of this. */
export const apiKeyRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, makeRoute, rotateRoute, revokeRoute]) add(app, engine)
}
