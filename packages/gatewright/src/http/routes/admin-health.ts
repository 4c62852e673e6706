import type { FastifyInstance } from 'fastify'
import { type Health, readHealth } from '../../administration/health.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { permission } from '../../permissions/access-rule.ts'
import { createReadiness, findWarnings } from '../readiness.ts'
import { anyText, flag, integer, list, named, strictObject, textOrNull, timestamp } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const healthSchema = named(
  'SystemHealth',
  strictObject({
    ready: flag,
    reasons: list(anyText),
    warnings: list(anyText),
    processes: list(
      strictObject({
        kind: anyText,
        version: anyText,
        host: anyText,
        silent: flag,
        clock_difference_ms: { type: ['integer', 'null'] },
        address_trouble: textOrNull,
        started_at: timestamp,
        seen_at: timestamp,
      }),
    ),
    mail: strictObject({ waiting: integer, given_up: integer, oldest_due_at: textOrNull }),
    housekeeping: list(strictObject({ task: anyText, succeeded_at: textOrNull })),
  }),
)

const toView = ({ processes, mail, housekeeping }: Health) => ({
  processes: processes.map(process => ({
    kind: process.kind,
    version: process.version,
    host: process.host,
    silent: process.silent,
    clock_difference_ms: process.clockDifference === null ? null : Math.round(process.clockDifference),
    address_trouble: process.addressTrouble,
    started_at: toTimestamp(process.startedAt),
    seen_at: toTimestamp(process.seenAt),
  })),
  mail: {
    waiting: mail.waiting,
    given_up: mail.givenUp,
    oldest_due_at: toTimestampOrNull(mail.oldestDueAt),
  },
  housekeeping: housekeeping.map(({ task, succeededAt }) => ({
    task,
    succeeded_at: toTimestampOrNull(succeededAt),
  })),
})

/** How this process and those beside it are: what `/readyz` says to everybody, and what only administrators may know. */
export const adminHealthRoutes = (app: FastifyInstance, engine: Engine): void => {
  const findReasons = createReadiness(engine)
  typed(app).get(
    '/admin/health',
    {
      config: {
        gate: {
          access: permission('metrics:read'),
          principals: ['user', 'api-key'],
          limit: 'read',
          audit: 'none',
        },
        reference: {
          tag: 'Administration',
          summary:
            'Whether this process is ready, the processes beside it, the queue of mail, and housekeeping',
          example: {
            answer: {
              ready: true,
              reasons: [],
              warnings: [],
              processes: [],
              mail: { waiting: 1, given_up: 0, oldest_due_at: '2026-11-22T12:00:00.000Z' },
              housekeeping: [],
            },
          },
        },
      },
      schema: { response: { 200: healthSchema } },
    },
    async () => {
      const reasons = await findReasons()
      const view = toView(await readHealth(engine))
      return { ready: reasons.length === 0, reasons: [...reasons], warnings: findWarnings(engine), ...view }
    },
  )
}
