import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Engine } from '../compose.ts'
import { type Passage, takeFromLimit } from '../gate/passage.ts'
import { countRefused } from '../gate/unknown-credential.ts'
import { second } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { LimitKeys } from '../limits/counter-keys.ts'
import type { LimitReport } from '../limits/limit-report.ts'
import type { LimitName } from '../limits/table.ts'
import { wentBack, wentBackEvent } from '../upkeep/went-back.ts'
import { addAnswerHeaders } from './answer-headers.ts'
import { noteRefusal } from './note-refusal.ts'
import { tellOwnEnd } from './own-end.ts'
import { problemType, refusalHeaders, statuses, toProblem } from './problem.ts'
import { toRateLimitHeaders } from './rate-limit-headers.ts'
import { clearSessionCookie } from './session-cookie.ts'
import { toRefusal } from './to-refusal.ts'
import { traceFieldsOf } from './trace.ts'

/** A limit that counted twice is told once, as the one with less left. */
const toOneReport = (reports: readonly LimitReport[]): LimitReport | undefined => {
  const last = reports.at(-1)
  if (last === undefined || reports.length === 1) return last
  const byPolicy = new Map<string, LimitReport['rows'][number]>()
  for (const row of reports.flatMap(report => report.rows)) {
    const told = byPolicy.get(row.policy)
    if (told === undefined || row.remaining < told.remaining) byPolicy.set(row.policy, row)
  }
  return { ...last, rows: [...byPolicy.values()] }
}

/** What all limits of the route said, as headers of the answer. */
export const writeRateLimits = (reply: FastifyReply, { reports }: Passage): void => {
  const report = toOneReport(reports)
  if (report !== undefined) addAnswerHeaders(reply, toRateLimitHeaders(report))
}

/**
 * Takes from the route's limit by a key that only the handler knows, or from another limit, and tells so in
 * the answer.
 * @throws Refusal `rate_limited`
 */
export const takeFurther = async (
  engine: Pick<Engine, 'limiter' | 'clock'>,
  { passage, reply }: { readonly passage: Passage | undefined; readonly reply: FastifyReply },
  keys: LimitKeys,
  limit?: LimitName,
): Promise<void> => {
  if (passage === undefined) throw new TypeError('a handler runs behind the gate')
  await takeFromLimit(engine, passage, keys, limit)
  writeRateLimits(reply, passage)
}

/** The audit events of the request say whose session showed it. */
const raiseAlarm = (log: Logger, request: FastifyRequest): void =>
  log.error(
    { request_id: request.id, ...traceFieldsOf(request), event: wentBackEvent },
    `the database went back: ${wentBack.means} ${wentBack.do}`,
  )

/** Of a thing that a path names no more is told than that: an id of another form is answered like one of nobody. */
const tellNoMore = ({ params }: FastifyRequest, refusal: Refusal): Refusal =>
  refusal.code === 'not_found' && (params as { readonly id?: string } | undefined)?.id !== undefined
    ? new Refusal('not_found')
    : refusal

/** How often it is logged that the database can't be used, while requests go on to find that. */
const loggedEvery = 10 * second

/** Of requests that the database fails, one in ten seconds is logged with its error: each would fill the log. */
const createUnexpectedLog = ({ clock }: Pick<Engine, 'clock'>, log: Logger) => {
  let loggedAt = Number.NEGATIVE_INFINITY
  let unlogged = 0
  return (request: FastifyRequest, { code }: Refusal, error: unknown): void => {
    const now = clock.monotonic()
    const isPaced = code === 'unavailable'
    if (isPaced && now - loggedAt < loggedEvery) {
      unlogged += 1
      return
    }
    const others = isPaced && unlogged > 0 && { unlogged }
    if (isPaced) [loggedAt, unlogged] = [now, 0]
    log.error(
      { err: error, request_id: request.id, ...traceFieldsOf(request), ...others },
      'unexpected error',
    )
  }
}

export type AnswerRefusal = (request: FastifyRequest, reply: FastifyReply, error: unknown) => void

/** Answers whatever was thrown as a problem (RFC 9457). What nobody expected is logged, and says nothing. */
export const createAnswerRefusal = (engine: Engine, log: Logger): AnswerRefusal => {
  const { publicUrl, places } = engine
  const logUnexpected = createUnexpectedLog(engine, log)
  return (request, reply, error) => {
    const refusal = toRefusal(error)
    const { passage } = request
    // For the log as well.
    if (passage !== undefined) passage.session ??= refusal.details.session
    if (statuses[refusal.code] >= 500 && refusal !== error) logUnexpected(request, refusal, error)
    if (passage && statuses[refusal.code] === 401) void countRefused(engine, passage, refusal)
    if (refusal.details.reason === wentBackEvent) raiseAlarm(log, request)
    if (passage) writeRateLimits(reply, passage)
    if (passage?.hasDeadCookie) clearSessionCookie(engine, reply)
    const send = (told: Refusal): void => {
      reply.refusal = told
      reply
        .code(statuses[told.code])
        .headers(refusalHeaders(told, places.challenge))
        .type(problemType)
        .serializer(JSON.stringify)
        .send(toProblem(tellNoMore(request, told), { publicUrl, requestId: request.id }))
      // After the answer, which stands in the queue of this turn: what is written about it comes behind it.
      noteRefusal(engine, request, told)
    }
    const told = tellOwnEnd(engine, passage, refusal)
    if (told instanceof Promise) void told.then(send)
    else send(told)
  }
}
