import type { FastifyInstance } from 'fastify'
import {
  createStatistics,
  type Day,
  daysShown,
  mostCounted,
  type Statistics,
} from '../../administration/statistics.ts'
import type { Engine } from '../../compose.ts'
import { parseTimestamp, timeAsSet, toTimestamp } from '../../ground/clock.ts'
import { permission } from '../../permissions/access-rule.ts'
import { shareForAWhile } from '../../revocation/share-for-a-while.ts'
import { type Figure, figureNames, figures, toFigures } from '../../statistics/figures.ts'
import { type Point, readSeries, type Series, toSeries } from '../../statistics/series.ts'
import { stepNames } from '../../statistics/steps.ts'
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

type FigureSchema = typeof integer & { readonly description: string }

const pointSchema = strictObject({
  start: timestamp,
  ...(Object.fromEntries(
    figureNames.map(name => [name, { ...integer, description: figures[name].help }]),
  ) as Readonly<Record<Figure, FigureSchema>>),
})

const askedTime = { ...timestamp, maxLength: 40 } as const

const statisticsQuery = strictObject({ from: askedTime, until: askedTime, step: { enum: stepNames } }, [
  'from',
  'until',
  'step',
])

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
    step: { enum: stepNames },
    series: list(pointSchema),
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

const toPoint = ({ start, ...figures }: Point) => ({ start: toTimestamp(start), ...figures })

const toView = (found: Statistics, { step }: Series, points: readonly Point[]) => ({
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
  step,
  series: points.map(toPoint),
})

const exampleDay = {
  day: '2026-11-22',
  new_users: 3,
  sign_ins: 41,
  failed_sign_ins: 5,
  failed_second_factors: 1,
  new_api_keys: 0,
}

const exampleFigures = toFigures(name => (name === 'requests' ? 1_204 : 2))

const toTime = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : parseTimestamp(text)

/** Numbers for the front page of whoever looks after an installation: of nobody by name. */
export const statisticsRoutes = (app: FastifyInstance, engine: Engine): void => {
  const readStatistics = createStatistics(engine)
  const share = shareForAWhile(engine.clock, (series: Series) => readSeries(engine, series))
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
          summary: `How many users, sessions and keys there are, and what the last ${daysShown} days had (in UTC, the oldest first); a figure equal to \`most\` stands for so many or more. \`series\` has what all processes counted by \`step\` (\`minute\`: 12 hours at most, of the last 24; \`hour\`: 31 days at most; \`day\`) from \`from\` to \`until\`; without a word, the last day by hours`,
          example: {
            query: { step: 'hour' },
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
              step: 'hour',
              series: [{ start: '2026-11-22T11:00:00.000Z', ...exampleFigures }],
            },
          },
        },
      },
      schema: { querystring: statisticsQuery, response: { 200: statisticsSchema } },
    },
    async ({ query: { from, until, step } }) => {
      const asked = { from: toTime(from), until: toTime(until), step }
      const series = toSeries(asked, timeAsSet(engine.clock))
      const points = await share(`${series.step} ${series.from} ${series.until}`, series)
      return toView(await readStatistics(), series, points)
    },
  )
}
