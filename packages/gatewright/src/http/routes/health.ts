import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import type { Engine } from '../../compose.ts'
import { second } from '../../ground/clock.ts'
import { everyone } from '../../permissions/access-rule.ts'
import type { Database } from '../../storage/tables.ts'
import { anyText, list, named, strictObject } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const gate = { access: everyone(), limit: 'unlimited', audit: 'none' } as const

/** More than this and the machine's clock is wrong: times of this process and of others differ. */
const mostBehind = 2 * second

const isAnswering = (watch: Database): Promise<boolean> =>
  sql`select 1`.execute(watch).then(
    () => true,
    () => false,
  )

/**
 * So long a database may be away, as while it restarts, before this process says that it should get no traffic:
 * all processes would say it at the same moment, and nobody would be left to answer what needs no database.
 */
const longestAway = 30 * second

/**
 * As for any request: a view that grew old while the process stood still is read before it counts as old. It
 * can't be read while the database is away.
 */
const askDatabase = async ({ revocations, watch }: Engine): Promise<readonly string[]> => {
  await Promise.resolve(revocations.ensureFresh()).catch(() => {})
  const trouble = revocations.trouble()
  if (trouble === undefined || trouble.since <= longestAway) return []
  return (await isAnswering(watch)) ? [trouble.why] : ['the database does not answer', trouble.why]
}

/** One question at a time, whoever asks: many who ask take nothing from the feed, which shares its connections. */
const createAsk = (engine: Engine): (() => Promise<readonly string[]>) => {
  let asking: Promise<readonly string[]> | undefined
  return () => {
    asking ??= askDatabase(engine).finally(() => {
      asking = undefined
    })
    return asking
  }
}

/** Why this process should get no traffic now; empty when it should. */
const findReasons = async (
  { clock, processes }: Engine,
  ask: () => Promise<readonly string[]>,
): Promise<readonly string[]> => {
  const database = await ask()
  const reasons = [
    ...(clock.behind() <= mostBehind
      ? []
      : ['the clock of the machine was set back: restart when it is right']),
    ...((clock.difference?.() ?? 0) <= mostBehind
      ? []
      : ["the clock of the machine differs from the database's by more than 2 seconds: set it right"]),
  ]
  return [...database, ...reasons, ...processes.reasons()]
}

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
  const ask = createAsk(engine)
  const readiness = named('Readiness', strictObject({ status: anyText, reasons: list(anyText) }))
  typed(app).get(
    '/readyz',
    {
      config: {
        gate,
        reference: {
          tag: 'Health',
          summary: 'Whether it should get traffic, and why not',
          example: { answer: { status: 'ready', reasons: [] } },
        },
      },
      schema: { response: { 200: readiness, 503: readiness } },
    },
    async (_request, reply) => {
      const reasons = await findReasons(engine, ask)
      if (reasons.length === 0) return { status: 'ready', reasons: [] }
      return reply
        .code(503)
        .header('retry-after', '1')
        .send({ status: 'not ready', reasons: [...reasons] })
    },
  )
}
