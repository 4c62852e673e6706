import type { FastifyRequest } from 'fastify'
import { type CredentialPlaces, credentialHeaders } from '../gate/credential.ts'
import type { HeaderTable } from './security-headers.ts'

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const exposedHeaders =
  'ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id'

/** CORS (Fetch standard) for exact origins. An origin that is not listed gets no header at all. */
export type Cors = {
  readonly headersFor: (request: FastifyRequest) => HeaderTable | undefined
  /** Whether this is a preflight of a listed origin, to be answered without going further. */
  readonly isPreflight: (request: FastifyRequest) => boolean
  readonly preflightHeaders: HeaderTable
}

/** The headers that a page of a listed origin may send; a browser adds the cookie by itself. */
const requestHeadersOf = (places: CredentialPlaces): readonly string[] => [
  ...credentialHeaders(places).filter(name => name !== 'Cookie'),
  'Content-Type',
  ...(places.accepted.has('cookie') ? ['X-CSRF-Token'] : []),
  ...['Idempotency-Key', 'If-Match', 'If-None-Match', 'Traceparent', 'Tracestate'],
]

const preflightHeadersOf = (places: CredentialPlaces): HeaderTable =>
  Object.freeze({
    'access-control-allow-methods': methods,
    'access-control-allow-headers': requestHeadersOf(places).join(', '),
    'access-control-max-age': '600',
  })

export const createCors = (origins: readonly string[], places: CredentialPlaces): Cors => {
  const tables = new Map<string, HeaderTable>(
    origins.map(origin => [
      origin,
      Object.freeze({
        'access-control-allow-origin': origin,
        // The cookie is SameSite=Lax: it comes along only from a listed origin of the same site.
        ...(places.accepted.has('cookie') && { 'access-control-allow-credentials': 'true' }),
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
    preflightHeaders: preflightHeadersOf(places),
  }
}
