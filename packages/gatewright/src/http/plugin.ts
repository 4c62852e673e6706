import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import Negotiator from 'negotiator'
import type { Logger } from 'pino'
import type { Engine } from '../compose.ts'
import { bodySteps, type FindThing, type GateDependencies, headSteps, runSteps } from '../gate/gate.ts'
import { type GateRule, newPassage, type Passage } from '../gate/passage.ts'
import type { Principal } from '../gate/principal.ts'
import { Refusal } from '../ground/refusal.ts'
import { addressAndUsername } from '../limits/limiter.ts'
import { usernameKey } from '../users/username.ts'
import { createCors, preflightHeaders } from './cors.ts'
import { acceptJsonOnly } from './json-body.ts'
import { problemType, refusalHeaders, statuses, toProblem } from './problem.ts'
import { toRateLimitHeaders } from './rate-limit-headers.ts'
import { createRequestLog } from './request-log.ts'
import { collectRoutes, type RouteTable } from './route-table.ts'
import { accountRoutes } from './routes/account.ts'
import { healthRoutes } from './routes/health.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { setupRoutes } from './routes/setup.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { securityHeaders } from './security-headers.ts'
import { toRefusal } from './to-refusal.ts'
import { useStrictSchemas } from './validation.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route declares to the gate. A route without it stops the start. */
    gate?: GateRule
  }
  interface FastifyInstance {
    /** Everything that Gatewright's operations ask for. */
    gatewright: Engine
    /** The routes as data. */
    routeTable: RouteTable
  }
  interface FastifyRequest {
    passage: Passage | undefined
    /** Whoever the request acts as; undefined for a caller without a credential. */
    principal: Principal | undefined
  }
  interface FastifyReply {
    refusal: Refusal | undefined
  }
}

export type GatewrightOptions = {
  readonly engine: Engine
  readonly log: Logger
  /** Where the account routes stand. */
  readonly mount?: string
  /** Finders of the application's objects, by the names that access rules use. */
  readonly things?: Readonly<Record<string, FindThing>>
}

const jsonTypes = ['application/json', 'application/problem+json']

const accepts = ({ headers, raw }: FastifyRequest): boolean =>
  headers.accept === undefined ||
  headers.accept.includes('*/*') ||
  new Negotiator(raw).mediaTypes(jsonTypes).length > 0

/** The key of limits by address and username, from a body that names a user. */
const bodyLimitKey = ({ body }: FastifyRequest, address: string): string | undefined => {
  const username = (body as { username?: unknown } | undefined | null)?.username
  return typeof username === 'string' ? addressAndUsername(address, usernameKey(username)) : undefined
}

const thingIdOf = ({ params }: FastifyRequest): string | undefined => (params as { id?: string }).id

/** An application's own page says so by its content type; everything else is JSON. */
const servesPages = (request: FastifyRequest): boolean => request.routeOptions.config.page === true

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers with a page or a part of one, not with JSON. */
    page?: true
  }
}

const writeRateLimits = (reply: FastifyReply, { reports }: Passage): void => {
  const last = reports.at(-1)
  if (last === undefined) return
  const rows = reports.flatMap(report => report.rows)
  reply.headers(toRateLimitHeaders({ ...last, rows }))
}

const register = async (app: FastifyInstance, options: GatewrightOptions): Promise<void> => {
  const { engine, log, mount = '/auth' } = options
  const things = new Map(Object.entries(options.things ?? {}))
  const gate: GateDependencies = { ...engine, things }
  const headers = securityHeaders(engine.publicUrl)
  const cors = createCors(engine.settings.corsOrigins)
  const scheme = engine.settings.tokenScheme
  const logRequest = createRequestLog(log, engine.settings.accessLog)

  app.decorate('gatewright', engine)
  app.decorateRequest('passage', undefined)
  app.decorateRequest('principal', undefined)
  app.decorateReply('refusal', undefined)
  const table = collectRoutes(app, things)
  app.decorate('routeTable', table)
  acceptJsonOnly(app)
  useStrictSchemas(app)

  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown): void => {
    const refusal = toRefusal(error)
    reply.refusal = refusal
    if (refusal.code === 'internal_error')
      log.error({ err: error, request_id: request.id }, 'unexpected error')
    if (request.passage) writeRateLimits(reply, request.passage)
    reply
      .code(statuses[refusal.code])
      .headers(refusalHeaders(refusal, scheme))
      .type(problemType)
      .serializer(JSON.stringify)
      .send(toProblem(refusal, { publicUrl: engine.publicUrl, requestId: request.id }))
  }

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers).header('x-request-id', request.id)
    const allowed = cors.headersFor(request)
    if (allowed !== undefined) reply.headers(allowed)
    if (cors.isPreflight(request)) return reply.code(204).headers(preflightHeaders).send()
    if (request.is404) return
    if (request.headers.host === undefined) throw new Refusal('malformed_request')
    if (!servesPages(request) && !accepts(request)) throw new Refusal('not_acceptable')
    const rule = request.routeOptions.config.gate
    // No compiled rule is a no, whatever the door.
    if (rule === undefined) throw new Refusal('insufficient_permission', { reason: 'no_rule' })
    const { remoteAddress } = request.raw.socket
    const passage = newPassage({
      rule,
      peer: remoteAddress,
      rawHeaders: request.raw.rawHeaders,
      thingId: thingIdOf(request),
    })
    request.passage = passage
    const waiting = runSteps(gate, headSteps, passage)
    if (waiting !== undefined) await waiting
    request.principal = passage.principal
    reply.header('cache-control', 'no-store')
    return undefined
  })

  app.addHook('preHandler', async (request, reply) => {
    const { passage } = request
    if (passage === undefined) return
    const key = bodyLimitKey(request, passage.address)
    if (key !== undefined) passage.bodyLimitKey = key
    const waiting = runSteps(gate, bodySteps, passage)
    if (waiting !== undefined) await waiting
    request.principal = passage.principal
    writeRateLimits(reply, passage)
  })

  app.addHook('onResponse', async (request, reply) => logRequest(request, reply))
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error))
  app.setNotFoundHandler((request, reply) => {
    const allow = table.methodsAt(request.url.split('?', 1)[0] ?? '')
    refuse(
      request,
      reply,
      allow.length === 0 ? new Refusal('not_found') : new Refusal('method_not_allowed', { allow }),
    )
  })

  healthRoutes(app, engine)
  setupRoutes(app, engine, mount)
  await app.register(
    async scope => {
      signInRoutes(scope, engine)
      accountRoutes(scope, engine)
      sessionRoutes(scope, engine)
    },
    { prefix: mount },
  )
}

/**
 * The gate as a Fastify plugin. Register it first: from then on every route declares who may use it.
 *
 *     await app.register(gatewright, { engine, log })
 *     app.get('/reports', { config: { gate: { access: signedIn(), limit: 'read', audit: 'none' } } }, handler)
 */
export const gatewright = fastifyPlugin(register, { fastify: '5.x', name: 'gatewright' })
