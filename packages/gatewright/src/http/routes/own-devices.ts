import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { toDeviceName } from '../../ground/device-name.ts'
import { allOf, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import {
  bringBackDevice,
  forgetOwnDevice,
  listOwnDevices,
  type OwnDevice,
} from '../../sign-in/own-devices.ts'
import { ownerOf } from '../changed-factors.ts'
import { principalOf } from '../request.ts'
import {
  anyText,
  idParams,
  list,
  madeUpId,
  named,
  nothing,
  strictObject,
  text,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'

const tag = 'Sessions'
const freshly = allOf(signedIn(), recentSignIn())

const deviceSchema = named(
  'KnownDevice',
  strictObject({
    id: anyText,
    program: textOrNull,
    system: textOrNull,
    address: textOrNull,
    created_at: timestamp,
    last_used_at: timestamp,
  }),
)

/** In examples. */
export const madeUpUndoToken = 'for POST …/me/known-devices/undo'

const toView = async ({ id, device, address, created_at: made, last_used_at: used }: OwnDevice) => {
  const { program, system } = device === null ? { program: null, system: null } : await toDeviceName(device)
  return { id, program, system, address, created_at: toTimestamp(made), last_used_at: toTimestamp(used) }
}

const example = {
  id: madeUpId,
  program: 'curl',
  system: null,
  address: '127.0.0.1',
  created_at: '2026-11-21T12:00:00.000Z',
  last_used_at: '2026-11-22T08:30:00.000Z',
}

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/me/known-devices',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: {
          tag,
          summary: 'The browsers that have signed in before: strangers’ failures do not delay them',
          example: { answer: { known_devices: [example] } },
        },
      },
      schema: { response: { 200: strictObject({ known_devices: list(deviceSchema) }) } },
    },
    async request => {
      const found = await listOwnDevices(engine, principalOf(request).userId)
      return { known_devices: await Promise.all(found.map(toView)) }
    },
  )
}

const forgetRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/me/known-devices/:id',
    {
      config: {
        gate: { access: freshly, limit: 'write', audit: ['device.forgotten'] },
        reference: {
          tag,
          summary: 'Forget one of them; sessions stay. `undo_token` brings it back, for ten minutes',
          example: { answer: { undo_token: madeUpUndoToken, expires_at: '2026-11-22T08:40:00.000Z' } },
        },
      },
      schema: {
        params: idParams,
        response: { 200: strictObject({ undo_token: anyText, expires_at: timestamp }) },
      },
    },
    async request => {
      const { secret, expiresAt } = await forgetOwnDevice(engine, ownerOf(request), request.params.id)
      return { undo_token: secret, expires_at: toTimestamp(expiresAt) }
    },
  )
}

const undoRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/me/known-devices/undo',
    {
      config: {
        gate: { access: freshly, limit: 'write', audit: ['device.brought-back'] },
        reference: {
          tag,
          summary: 'Bring back a browser that was forgotten a moment ago',
          refusals: ['invalid_link'],
          example: { body: { undo_token: madeUpUndoToken } },
        },
      },
      schema: { body: strictObject({ undo_token: text(1, 100) }), response: { 204: nothing } },
    },
    async (request, reply) => {
      await bringBackDevice(engine, ownerOf(request), request.body.undo_token)
      return reply.code(204).send(null)
    },
  )
}

/** The browsers that are known: list them, forget one, and take that back. */
export const ownDeviceRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, forgetRoute, undoRoute]) add(app, engine)
}
