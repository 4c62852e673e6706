import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'

/** Slower than this is worth a line, in milliseconds. */
const slow = 1_000

/** A path without its query, which may hold what nobody should read in a log. */
const pathOf = (url: string): string => url.split('?', 1)[0] ?? url

/**
 * One line a request: who, what, outcome, duration. Never a header, a query, a body or an answer, so
 * no secret can stand in it.
 */
export const createRequestLog =
  (log: Logger, which: 'all' | 'notable' | 'off') =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    if (which === 'off') return
    const duration = Math.round(reply.elapsedTime)
    if (which === 'notable' && reply.statusCode < 400 && duration < slow) return
    const line = {
      request_id: request.id,
      method: request.method,
      path: pathOf(request.url),
      route: request.routeOptions.url,
      status: reply.statusCode,
      duration_ms: duration,
      address: request.passage?.address,
      user: request.passage?.token?.userId,
      session: request.passage?.token?.sessionId,
      code: reply.refusal?.code,
      reason: reply.refusal?.details.reason,
    }
    log[reply.statusCode >= 500 ? 'error' : 'info'](line, `${line.method} ${line.path} ${line.status}`)
  }
