import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { traceFieldsOf } from './trace.ts'

type Which = 'all' | 'notable' | 'off'

/** Slower than this is worth a line, in milliseconds. */
const slow = 1_000

/** A path without its query or fragment, which may hold what nobody should read in a log. */
const pathOf = (url: string): string => url.split(/[?#]/, 1)[0] ?? url

/**
 * One line a request: who, what, outcome, duration. Never a header, a query, a body or an answer, so
 * no secret can stand in it.
 */
export const createRequestLog =
  (log: Logger, which: Which) =>
  (request: FastifyRequest, reply: FastifyReply): void => {
    if (which === 'off') return
    const duration = Math.round(reply.elapsedTime)
    const isSlow = duration >= slow && !request.routeOptions.config?.waits
    if (which === 'notable' && reply.statusCode < 400 && !isSlow) return
    const line = {
      request_id: request.id,
      ...traceFieldsOf(request),
      method: request.method,
      path: pathOf(request.url),
      route: request.routeOptions.url,
      status: reply.statusCode,
      duration_ms: duration,
      address: request.passage?.address,
      user: request.passage?.session?.userId ?? request.passage?.apiKeyOwner?.userId,
      api_key: request.passage?.apiKeyOwner?.keyId,
      session: request.passage?.session?.sessionId,
      code: reply.refusal?.code,
      reason: reply.refusal?.details.reason,
    }
    log[reply.statusCode >= 500 ? 'error' : 'info'](line, `${line.method} ${line.path} ${line.status}`)
  }

type UnreadableLine = {
  readonly request_id: string
  readonly trace_id?: string
  readonly code: string
  /** What was wrong with its form; nothing of the request itself. */
  readonly reason: string
  readonly address: string
}

export type UnreadableLog = (line: UnreadableLine) => void

/** The line of a request that no route, and so no hook, has seen. */
export const createUnreadableLog =
  (log: Logger, which: Which): UnreadableLog =>
  line => {
    if (which !== 'off') log.info(line, 'unreadable request')
  }
