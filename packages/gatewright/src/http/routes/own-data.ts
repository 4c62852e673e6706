import type { FastifyInstance } from 'fastify'
import { exportUser } from '../../administration/export-user.ts'
import type { Engine } from '../../compose.ts'
import { allOf, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import { originOf, principalOf } from '../request.ts'
import { anyText, list, strictObject } from '../schemas.ts'
import { typed } from '../typed-app.ts'
import { ownAccountExample, ownAccountSchema, readOwnAccount } from './account.ts'
import { identitySchema, linkExample } from './identities.ts'

const anything = { type: 'object', additionalProperties: true } as const

/** The own account as a file: everything that is kept of its owner. */
export const ownDataRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/me/export',
    {
      config: {
        gate: { access: allOf(signedIn(), recentSignIn()), limit: 'export', audit: ['user.exported'] },
        reference: {
          tag: 'Account',
          summary: 'Everything that is kept of the own account, without secrets',
          example: {
            answer: {
              account: ownAccountExample(engine, 'alice'),
              sessions: [],
              known_devices: [],
              factors: {},
              api_keys: [],
              identities: [{ ...linkExample, linked_at: '2026-11-22T08:30:00.000Z' }],
              invitations: [],
              permission_uses: [],
              events: [],
              application: {},
            },
          },
        },
      },
      schema: {
        response: {
          200: strictObject({
            account: ownAccountSchema(app.userFields),
            sessions: list(anything),
            known_devices: list(anything),
            factors: anything,
            api_keys: list(anything),
            identities: list(identitySchema),
            invitations: list(anything),
            permission_uses: list(strictObject({ permission: anyText, last_day: anyText })),
            events: list(anything),
            application: anything,
          }),
        },
      },
    },
    async (request, reply) => {
      const caller = principalOf(request)
      const { userId, sessionId } = caller
      const held = await exportUser(engine, app, { userId, sessionId, origin: originOf(request) })
      void reply.header('content-disposition', 'attachment; filename="account.json"')
      return { account: await readOwnAccount(engine, caller, app.userFields), ...held } as never
    },
  )
}
