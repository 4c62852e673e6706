import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import type { Engine } from '../compose.ts'
import { isSafe } from '../gate/cross-site.ts'
import { bodySteps, type GateDependencies, headSteps, runSteps } from '../gate/gate.ts'
import { newPassage, type Passage } from '../gate/passage.ts'
import { Refusal } from '../ground/refusal.ts'
import { createAnswerHeaders } from './answer-headers.ts'
import { writeRateLimits } from './answer-refusal.ts'
import { createCors } from './cors.ts'
import { pinRule } from './pinned-rule.ts'
import { securityHeaders } from './security-headers.ts'

const jsonTypes = ['application/json', 'application/problem+json']

/** A page says so in its configuration; everything else is JSON, and the caller must take that. */
const isAcceptable = ({ headers, raw }: FastifyRequest, { page }: FastifyContextConfig): boolean =>
  page !== undefined ||
  headers.accept === undefined ||
  headers.accept.includes('*/*') ||
  new Negotiator(raw).mediaTypes(jsonTypes).length > 0

/** What the body names a user by. */
const findSubmittedName = (body: unknown): string | undefined => {
  const username = (body as { username?: unknown } | undefined | null)?.username
  return typeof username === 'string' ? username : undefined
}

/** A name or an address, and perhaps a port. */
const hostForm = /^[\w.:[\]-]+$/

/**
 * RFC 9112 §3.2: without a Host, with two, or with what is none, a request is refused. Node.js keeps the first of
 * two, and takes any text: a proxy in front could find another name in it.
 */
const namesOneHost = (rawHeaders: readonly string[]): boolean => {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.length !== 4 || rawHeaders[at]?.toLowerCase() !== 'host') continue
    if (!hostForm.test(rawHeaders[at + 1] ?? '')) return false
    hosts += 1
  }
  return hosts === 1
}

/** What the route declared, and the request as the gate sees it. No rule is a no, whatever the door. */
const openPassage = (
  { id, method, raw, params }: FastifyRequest,
  { gate: rule }: FastifyContextConfig,
): Passage => {
  if (rule === undefined) throw new Refusal('insufficient_permission', { reason: 'no_rule' })
  const thingId = (params as { readonly id?: string }).id
  const { rawHeaders, socket } = raw
  return newPassage({ rule, requestId: id, method, peer: socket.remoteAddress, rawHeaders, thingId })
}

/** What a path without a route, or without a route of this method, is told. */
export const toNotFound = ({ server, url }: FastifyRequest): Refusal => {
  const allow = server.routeTable.methodsAt(url.split('?', 1)[0] ?? '')
  return allow.length === 0 ? new Refusal('not_found') : new Refusal('method_not_allowed', { allow })
}

/** What the request is, apart from who sends it. */
const openGate = (request: FastifyRequest, config: FastifyContextConfig): Passage => {
  if (request.is404) throw toNotFound(request)
  if (!namesOneHost(request.raw.rawHeaders)) throw new Refusal('malformed_request')
  if (!isAcceptable(request, config)) throw new Refusal('not_acceptable')
  return openPassage(request, config)
}

/** Lets the request in, now or when the steps have been waited for: Fastify takes either word. */
const goOn = (
  waiting: Promise<void> | undefined,
  done: () => void,
  admit: () => void,
): void | Promise<void> => {
  if (waiting !== undefined) return waiting.then(admit)
  admit()
  done()
}

/**
 * Takes every request through the gate: once when its head has arrived, and again when its body has,
 * which may have taken long. A path without a route is answered here, so that no plugin's own handler for
 * unknown paths is a door without a rule.
 *
 * The hooks wait only where a step waits: a promise for each would cost as much as all steps together.
 */
export const addGateHooks = (app: FastifyInstance, engine: Engine, gate: GateDependencies): void => {
  const writeHeaders = createAnswerHeaders({
    ...securityHeaders(engine.publicUrl),
    'cache-control': 'no-store',
  })
  const cors = createCors(engine.settings.corsOrigins, engine.places)

  app.addHook('onRequest', (request, reply, done) => {
    // Fastify makes these options anew each time they are asked for.
    const { config } = request.routeOptions
    pinRule(config)
    writeHeaders(reply)
    const allowed = cors.headersFor(request)
    if (allowed !== undefined) reply.headers(allowed)
    if (cors.isPreflight(request)) return void reply.code(204).headers(cors.preflightHeaders).send()
    const passage = openGate(request, config)
    request.passage = passage
    const waiting = runSteps(gate, headSteps, passage)
    passage.isJudged = waiting === undefined && isSafe(request.method)
    return goOn(waiting, done, () => {
      request.principal = passage.principal
      if (passage.isJudged) writeRateLimits(reply, passage)
    })
  })

  app.addHook('preHandler', (request, reply, done) => {
    const { passage, body } = request
    if (passage === undefined || passage.isJudged) return done()
    passage.submittedName = findSubmittedName(body)
    return goOn(runSteps(gate, bodySteps, passage), done, () => {
      request.principal = passage.principal
      writeRateLimits(reply, passage)
    })
  })
}
