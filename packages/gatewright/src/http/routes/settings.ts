import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { describeSettings } from '../../ground/load-settings.ts'
import { productionReasons } from '../../ground/production-rules.ts'
import { permission } from '../../permissions/access-rule.ts'
import { anyText, list, strictObject } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const settingSchema = strictObject({ name: anyText, value: anyText, source: anyText })

/** The settings in force, as `gatewright config` prints them: no secret is shown. */
export const settingsRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/settings',
    {
      config: {
        gate: {
          access: permission('settings:read'),
          principals: ['user', 'api-key'],
          limit: 'read',
          audit: 'none',
        },
        reference: {
          tag: 'Administration',
          summary: 'The settings in force and where each comes from, secrets hidden',
          example: {
            answer: {
              settings: [{ name: 'APP_NAME', value: 'Gatewright', source: 'program' }],
              production_rules: [],
            },
          },
        },
      },
      schema: {
        response: {
          200: strictObject({ settings: list(settingSchema), production_rules: list(anyText) }),
        },
      },
    },
    async () => ({
      settings: describeSettings(engine),
      production_rules: [...productionReasons(engine.settings, engine.processes.surroundings())],
    }),
  )
}
