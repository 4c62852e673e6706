import type { FastifyInstance, FastifyRequest } from 'fastify'
import { holdAdministrator } from '../../administration/hold-administrator.ts'
import { toSigningKeyView } from '../../administration/show-signing-key.ts'
import { type HoldCaller, listKeys, revokeKey, rotateKeys } from '../../administration/signing-keys.ts'
import type { Engine } from '../../compose.ts'
import { toTimestampOrNull } from '../../ground/clock.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { callerOf, originOf } from '../request.ts'
import {
  anyText,
  flag,
  idParams,
  list,
  madeUpId,
  named,
  nothing,
  strictObject,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'

const keySchema = named(
  'SigningKey',
  strictObject({
    kid: anyText,
    algorithm: anyText,
    state: anyText,
    published_at: timestamp,
    activated_at: textOrNull,
    retired_at: textOrNull,
    gone_at: textOrNull,
    revoked_at: textOrNull,
  }),
)

const example = {
  kid: madeUpId,
  algorithm: 'ES256',
  state: 'active',
  published_at: '2026-11-21T12:00:00.000Z',
  activated_at: '2026-11-21T12:00:00.000Z',
  retired_at: null,
  gone_at: null,
  revoked_at: null,
}

const tag = 'Administration'
const unsafe = { access: allOf(permission('signing-keys:write'), recentSignIn()), limit: 'write' } as const

/** Checks the caller once more, in the transaction of the change. */
const holdCaller =
  (engine: Engine, request: FastifyRequest): HoldCaller =>
  work =>
    holdAdministrator(engine, work, callerOf(request), { needed: ['signing-keys:write'] })

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/signing-keys',
    {
      config: {
        gate: { access: permission('signing-keys:write'), limit: 'read', audit: 'none' },
        reference: {
          tag,
          summary: 'The keys that sign access tokens, newest first, with those that are gone for 90 days',
          example: { answer: { signing_keys: [example] } },
        },
      },
      schema: { response: { 200: strictObject({ signing_keys: list(keySchema) }) } },
    },
    async () => {
      const rows = await listKeys(engine.db)
      return { signing_keys: rows.map(toSigningKeyView) }
    },
  )
}

const rotateRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/signing-keys/rotate',
    {
      config: {
        gate: {
          ...unsafe,
          audit: [
            'signing-key.rotation-asked',
            'signing-key.activated',
            'signing-key.retired',
            'signing-key.made',
          ],
        },
        reference: {
          tag,
          summary:
            'Let the next signing key sign: at once, or at `rotates_at`, when every verifier knows it; tokens of the one before it stay good until they expire',
          example: { answer: { rotated: true, kid: madeUpId, rotates_at: null } },
        },
      },
      schema: {
        body: nothing,
        response: { 200: strictObject({ rotated: flag, kid: anyText, rotates_at: textOrNull }) },
      },
    },
    async request => {
      const { kid, waitsUntil } = await rotateKeys(engine, originOf(request), holdCaller(engine, request))
      await engine.keyRing.turn()
      const rotates_at = toTimestampOrNull(waitsUntil ?? null)
      return { rotated: waitsUntil === undefined, kid, rotates_at }
    },
  )
}

const revokeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/signing-keys/:id/revoke',
    {
      config: {
        gate: {
          ...unsafe,
          audit: ['signing-key.revoked', 'signing-key.activated', 'signing-key.made'],
        },
        reference: {
          tag,
          summary:
            'Revoke a signing key: every access token that it signed ends at once, sessions go on; `active` signs from now on',
          example: { answer: { changed: true, kid: madeUpId, active: madeUpId } },
        },
      },
      schema: {
        params: idParams,
        body: nothing,
        response: { 200: strictObject({ changed: flag, kid: anyText, active: anyText }) },
      },
    },
    async request => {
      const { id: kid } = request.params
      const target = { kid, origin: originOf(request) }
      const changed = await revokeKey(engine, target, holdCaller(engine, request))
      // This process signs with the new one from now on, and says which it is.
      await engine.keyRing.turn()
      return { changed, kid, active: (await engine.keyRing.getActive()).kid }
    },
  )
}

/** The keys that sign access tokens: their ids, states and times, and nothing of the keys themselves. */
export const signingKeyRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, rotateRoute, revokeRoute]) add(app, engine)
}
