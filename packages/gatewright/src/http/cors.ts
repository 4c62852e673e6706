import type { FastifyRequest } from 'fastify'
import type { HeaderTable } from './security-headers.ts'

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const requestHeaders =
  'Authorization, Content-Type, X-API-Key, X-CSRF-Token, Idempotency-Key, If-Match, If-None-Match'
const exposedHeaders =
  'ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id'

/** CORS (Fetch standard) for exact origins. An origin that is not listed gets no header at all. */
export type Cors = {
  readonly headersFor: (request: FastifyRequest) => HeaderTable | undefined
  /** Whether this is a preflight of a listed origin, to be answered without going further. */
  readonly isPreflight: (request: FastifyRequest) => boolean
}

export const createCors = (origins: readonly string[]): Cors => {
  const tables = new Map<string, HeaderTable>(
    origins.map(origin => [
      origin,
      Object.freeze({
        'access-control-allow-origin': origin,
        // The cookie is SameSite=Lax: it comes along only from a listed origin of the same site.
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': exposedHeaders,
        // Other origins may read what CORS allows; everybody else may not even embed it.
        'cross-origin-resource-policy': 'cross-origin',
        vary: 'Origin',
      }),
    ]),
  )
  const headersFor = ({ headers }: FastifyRequest): HeaderTable | undefined =>
    headers.origin === undefined ? undefined : tables.get(headers.origin)
  return {
    headersFor,
    isPreflight: request =>
      request.method === 'OPTIONS' &&
      request.headers['access-control-request-method'] !== undefined &&
      headersFor(request) !== undefined,
  }
}

export const preflightHeaders: HeaderTable = Object.freeze({
  'access-control-allow-methods': methods,
  'access-control-allow-headers': requestHeaders,
  'access-control-max-age': '600',
})
