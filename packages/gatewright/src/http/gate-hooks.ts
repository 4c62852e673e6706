import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import type { Engine } from '../compose.ts'
import { bodySteps, type GateDependencies, headSteps, runSteps } from '../gate/gate.ts'
import { newPassage, type Passage } from '../gate/passage.ts'
import { Refusal } from '../ground/refusal.ts'
import { addressAndUsername } from '../limits/limiter.ts'
import { usernameKey } from '../users/username.ts'
import { writeRateLimits } from './answer-refusal.ts'
import { createCors } from './cors.ts'
import { securityHeaders } from './security-headers.ts'

const jsonTypes = ['application/json', 'application/problem+json']

/** A page says so in its configuration; everything else is JSON, and the caller must take that. */
const isAcceptable = ({ headers, raw, routeOptions }: FastifyRequest): boolean =>
  routeOptions.config.page === true ||
  headers.accept === undefined ||
  headers.accept.includes('*/*') ||
  new Negotiator(raw).mediaTypes(jsonTypes).length > 0

/** The key of limits by address and username, from a body that names a user. */
const findBodyLimitKey = (body: unknown, address: string): string | undefined => {
  const username = (body as { username?: unknown } | undefined | null)?.username
  return typeof username === 'string' ? addressAndUsername(address, usernameKey(username)) : undefined
}

/** RFC 9112 §3.2: without a Host, or with two, a request is refused. Node.js keeps the first of two. */
const namesOneHost = (rawHeaders: readonly string[]): boolean => {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.length === 4 && rawHeaders[at]?.toLowerCase() === 'host') hosts += 1
  return hosts === 1
}

/** What the route declared, and the request as the gate sees it. No rule is a no, whatever the door. */
const openPassage = ({ id, method, raw, params, routeOptions }: FastifyRequest): Passage => {
  const rule = routeOptions.config.gate
  if (rule === undefined) throw new Refusal('insufficient_permission', { reason: 'no_rule' })
  const thingId = (params as { readonly id?: string }).id
  const { rawHeaders, socket } = raw
  return newPassage({ rule, requestId: id, method, peer: socket.remoteAddress, rawHeaders, thingId })
}

/** The first hook: headers that every answer has, and the answer to a preflight of a listed origin. */
const addHeaderHook = (app: FastifyInstance, { publicUrl, settings, places }: Engine): void => {
  const headers = securityHeaders(publicUrl)
  const cors = createCors(settings.corsOrigins, places)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers).header('x-request-id', request.id).header('cache-control', 'no-store')
    const allowed = cors.headersFor(request)
    if (allowed !== undefined) reply.headers(allowed)
    return cors.isPreflight(request) ? reply.code(204).headers(cors.preflightHeaders).send() : undefined
  })
}

/** What a path without a route, or without a route of this method, is told. */
export const toNotFound = ({ server, url }: FastifyRequest): Refusal => {
  const allow = server.routeTable.methodsAt(url.split('?', 1)[0] ?? '')
  return allow.length === 0 ? new Refusal('not_found') : new Refusal('method_not_allowed', { allow })
}

/**
 * Takes every request through the gate: once when its head has arrived, and again when its body has,
 * which may have taken long. A path without a route is answered here, so that no plugin's own handler for
 * unknown paths is a door without a rule.
 */
export const addGateHooks = (app: FastifyInstance, engine: Engine, gate: GateDependencies): void => {
  addHeaderHook(app, engine)

  app.addHook('onRequest', async (request: FastifyRequest) => {
    if (request.is404) throw toNotFound(request)
    if (!namesOneHost(request.raw.rawHeaders)) throw new Refusal('malformed_request')
    if (!isAcceptable(request)) throw new Refusal('not_acceptable')
    const passage = openPassage(request)
    request.passage = passage
    const waiting = runSteps(gate, headSteps, passage)
    if (waiting !== undefined) await waiting
    request.principal = passage.principal
  })

  app.addHook('preHandler', async (request: FastifyRequest, reply: FastifyReply) => {
    const { passage, body } = request
    if (passage === undefined) return
    passage.bodyLimitKey = findBodyLimitKey(body, passage.address)
    const waiting = runSteps(gate, bodySteps, passage)
    if (waiting !== undefined) await waiting
    request.principal = passage.principal
    writeRateLimits(reply, passage)
  })
}
