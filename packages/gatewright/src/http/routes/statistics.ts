import type { FastifyInstance } from 'fastify'
import {
  createStatistics,
  type Day,
  daysShown,
  mostCounted,
  type Statistics,
} from '../../administration/statistics.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp } from '../../ground/clock.ts'
import { permission } from '../../permissions/access-rule.ts'
import { integer, list, named, strictObject, timestamp } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const date = { type: 'string', format: 'date' } as const

const daySchema = strictObject({
  day: date,
  new_users: integer,
  sign_ins: integer,
  failed_sign_ins: integer,
  failed_second_factors: integer,
  new_api_keys: integer,
})

const statisticsSchema = named(
  'Statistics',
  strictObject({
    counted_at: timestamp,
    most: integer,
    users: strictObject({
      total: integer,
      enabled: integer,
      disabled: integer,
      with_second_factor: integer,
    }),
    administrators: strictObject({ total: integer, without_second_factor: integer }),
    services: integer,
    sessions: integer,
    api_keys: integer,
    invitations: integer,
    days: list(daySchema),
  }),
)

const toDay = ({ start, ...day }: Day) => ({
  day: toTimestamp(start).slice(0, 10),
  new_users: day.newUsers,
  sign_ins: day.signIns,
  failed_sign_ins: day.failedSignIns,
  failed_second_factors: day.failedSecondFactors,
  new_api_keys: day.newApiKeys,
})

const toUsers = ({ users, disabled, withApp, withPasskeyAlone }: Statistics) => ({
  total: users,
  // Of more than are counted, those who are left are more than are counted as well, or nearly.
  enabled: users === mostCounted ? users : users - disabled,
  disabled,
  with_second_factor: Math.min(mostCounted, withApp + withPasskeyAlone),
})

const toView = (found: Statistics) => ({
  counted_at: toTimestamp(found.at),
  most: mostCounted,
  users: toUsers(found),
  administrators: {
    total: found.administrators,
    without_second_factor: found.administratorsWithoutFactor,
  },
  services: found.services,
  sessions: found.sessions,
  api_keys: found.apiKeys,
  invitations: found.invitations,
  days: found.days.map(toDay),
})

const exampleDay = {
  day: '2026-11-22',
  new_users: 3,
  sign_ins: 41,
  failed_sign_ins: 5,
  failed_second_factors: 1,
  new_api_keys: 0,
}

/** Numbers for the front page of whoever looks after an installation: of nobody by name. */
export const statisticsRoutes = (app: FastifyInstance, engine: Engine): void => {
  const readStatistics = createStatistics(engine)
  typed(app).get(
    '/admin/statistics',
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
          summary: `How many users, sessions and keys there are, and what the last ${daysShown} days had (in UTC, the oldest first); a figure equal to \`most\` stands for so many or more`,
          example: {
            answer: {
              counted_at: '2026-11-22T12:00:00.000Z',
              most: mostCounted,
              users: { total: 120, enabled: 118, disabled: 2, with_second_factor: 37 },
              administrators: { total: 2, without_second_factor: 0 },
              services: 1,
              sessions: 64,
              api_keys: 4,
              invitations: 0,
              days: [exampleDay],
            },
          },
        },
      },
      schema: { response: { 200: statisticsSchema } },
    },
    async () => toView(await readStatistics()),
  )
}
