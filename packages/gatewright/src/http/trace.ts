import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseTraceContext, runInTrace, type TraceContext } from '../ground/trace-context.ts'

const textOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.join(',')

/** By what a line of the log is found from a trace; nothing where there is none. */
export const traceFieldsOf = ({ trace }: Pick<FastifyRequest, 'trace'>): { readonly trace_id?: string } =>
  trace === undefined ? {} : { trace_id: trace.traceId }

export const findTrace = ({ headers }: Pick<IncomingMessage, 'headers'>): TraceContext | undefined => {
  const traceparent = textOf(headers.traceparent)
  return traceparent === undefined ? undefined : parseTraceContext(traceparent, textOf(headers.tracestate))
}

/**
 * Takes note of the trace that a request belongs to. Never told in an answer. Where none is shown that is whole, none
 * is made up, and a request costs one look at its headers.
 */
export const followTraces = (app: FastifyInstance): void => {
  app.decorateRequest('trace', {
    getter(this: FastifyRequest) {
      return findTrace(this)
    },
  })
  // Behind the body: what its reading calls back belongs to the connection.
  app.addHook('preHandler', ({ trace }, _reply, done) => {
    if (trace === undefined) done()
    else runInTrace(trace, done)
  })
}
