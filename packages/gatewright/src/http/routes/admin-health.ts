import type { FastifyInstance } from 'fastify'
import { type Health, readHealth } from '../../administration/health.ts'
import type { Engine } from '../../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { permission } from '../../permissions/access-rule.ts'
import { shareForAWhile } from '../../revocation/share-for-a-while.ts'
import { patternNames } from '../../unusual/patterns.ts'
import { type CheckedFinding, examineBeside } from '../../upkeep/checks.ts'
import { createReadiness, findWarnings } from '../readiness.ts'
import { principalOf } from '../request.ts'
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
    unusual: list(
      strictObject({
        pattern: { enum: patternNames },
        severity: { enum: ['info', 'warning', 'critical'] },
        count: integer,
        last_at: timestamp,
      }),
    ),
    housekeeping: list(strictObject({ task: anyText, succeeded_at: textOrNull })),
    feed: strictObject({ age_ms: { type: ['integer', 'null'] }, most_ms: integer }),
    findings: list(
      strictObject({
        check: anyText,
        level: { enum: ['warning', 'problem'] },
        found: textOrNull,
        means: textOrNull,
        do: textOrNull,
      }),
    ),
  }),
)

type Finding = CheckedFinding & { readonly level: 'warning' | 'problem' }

const isOpen = (finding: CheckedFinding): finding is Finding => finding.level !== 'ok'

/** What was found names settings and files: for who may see the settings. Others learn that there is something. */
const toFinding =
  (seesSettings: boolean) =>
  ({ name, level, found, means, do: mend }: Finding) => ({
    check: name,
    level,
    found: seesSettings ? found : null,
    means: seesSettings ? means : null,
    do: seesSettings ? mend : null,
  })

/** Before the first whole read it has no age. */
const toFeed = ({ revocations, settings }: Engine) => {
  const age = revocations.age()
  return { age_ms: Number.isFinite(age) ? Math.round(age) : null, most_ms: settings.revocationMaxAge }
}

const toHealthView = ({ processes, mail, unusual, housekeeping }: Health) => ({
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
  unusual: unusual.map(({ lastAt, ...row }) => ({ ...row, last_at: toTimestamp(lastAt) })),
  housekeeping: housekeeping.map(({ task, succeededAt }) => ({
    task,
    succeeded_at: toTimestampOrNull(succeededAt),
  })),
})

/** How this process and those beside it are: what `/readyz` says to everybody, and what only administrators may know. */
export const adminHealthRoutes = (app: FastifyInstance, engine: Engine): void => {
  const findReasons = createReadiness(engine)
  const examine = shareForAWhile(engine.clock, examineBeside)
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
            'Whether this process is ready, the processes beside it, the queue of mail, housekeeping, the unusual sign-ins of the last day by pattern, how old its view of what was taken back is, and what `gatewright doctor` would say that a server can see of itself',
          example: {
            answer: {
              ready: true,
              reasons: [],
              warnings: [],
              processes: [],
              mail: { waiting: 1, given_up: 0, oldest_due_at: '2026-11-22T12:00:00.000Z' },
              unusual: [],
              housekeeping: [],
              feed: { age_ms: 120, most_ms: 5_000 },
              findings: [
                {
                  check: 'limits',
                  level: 'warning',
                  found: 'LIMITS_SCALE=1000',
                  means: 'Every limit is 1000 times as large, also for guessing passwords.',
                  do: 'Write LIMITS_SCALE=1, or remove the setting.',
                },
              ],
            },
          },
        },
      },
      schema: { response: { 200: healthSchema } },
    },
    async request => {
      const seesSettings = principalOf(request).permissions.has('settings:read')
      const reasons = await findReasons()
      const view = toHealthView(await readHealth(engine))
      const findings = await examine('findings', engine)
      return {
        ready: reasons.length === 0,
        reasons: [...reasons],
        warnings: findWarnings(engine),
        ...view,
        feed: toFeed(engine),
        findings: findings.filter(isOpen).map(toFinding(seesSettings)),
      }
    },
  )
}
