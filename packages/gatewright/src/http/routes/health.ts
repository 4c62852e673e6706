import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { createReadiness, findWarnings } from '../readiness.ts'
import { anyText, list, named, strictObject } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const gate = { access: everyone(), limit: 'unlimited', audit: 'none' } as const

export const healthRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/healthz',
    {
      config: {
        gate,
        reference: {
          tag: 'Health',
          summary: 'Whether the process is up',
          example: { answer: { status: 'up' } },
        },
      },
      schema: { response: { 200: strictObject({ status: anyText }) } },
    },
    async () => ({ status: 'up' }),
  )
  const findReasons = createReadiness(engine)
  const readiness = named(
    'Readiness',
    strictObject({ status: anyText, reasons: list(anyText), warnings: list(anyText) }),
  )
  typed(app).get(
    '/readyz',
    {
      config: {
        gate,
        reference: {
          tag: 'Health',
          summary: 'Whether it should get traffic, and why not; and what should be mended',
          example: { answer: { status: 'ready', reasons: [], warnings: [] } },
        },
      },
      schema: { response: { 200: readiness, 503: readiness } },
    },
    async (_request, reply) => {
      const reasons = await findReasons()
      const warnings = findWarnings(engine)
      if (reasons.length === 0) return { status: 'ready', reasons: [], warnings }
      return reply
        .code(503)
        .header('retry-after', '1')
        .send({ status: 'not ready', reasons: [...reasons], warnings })
    },
  )
}
