import { createServer as createHttpServer, type RequestListener, type Server, STATUS_CODES } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import Fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Logger } from 'pino'
import type { Engine } from '../compose.ts'
import type { FindThing } from '../gate/gate.ts'
import { second } from '../ground/clock.ts'
import { newId } from '../ground/random.ts'
import type { Refusal } from '../ground/refusal.ts'
import type { MigrationSet } from '../storage/migrate.ts'
import type { Certificate } from './certificate.ts'
import { bodyLimit } from './json-body.ts'
import { gatewright } from './plugin.ts'
import { problemType, refusalHeaders, statuses, toProblem } from './problem.ts'
import { securityHeaders } from './security-headers.ts'
import { toRefusal } from './to-refusal.ts'

/** An API behind the gate: its routes, its tables, and how its objects are found. */
export type Application = {
  readonly plugin: FastifyPluginAsync
  readonly migrations?: readonly MigrationSet[]
  readonly things?: Readonly<Record<string, FindThing>>
}

export type AppOptions = {
  readonly engine: Engine
  readonly log: Logger
  /** Where the account routes stand. */
  readonly mount: string
  readonly application?: Application
  readonly certificate?: Certificate | undefined
}

export type App = {
  readonly app: FastifyInstance
  /** Uses another certificate for new connections. */
  readonly useCertificate: (certificate: Certificate) => void
}

/** Slow or silent clients are let go; a request of a healthy one takes far less. */
const timeouts = {
  headersTimeout: 20 * second,
  requestTimeout: 60 * second,
  keepAliveTimeout: 72 * second,
  connectionsCheckingInterval: 5 * second,
}

const serverOptions = { ...timeouts, maxHeaderSize: 16 * 1_024, requireHostHeader: false, noDelay: true }

/** What an answer outside any route carries: written by hand, for the router has not seen the request. */
const toRawAnswer = ({ publicUrl, random, settings }: Engine, refusal: Refusal) => {
  const requestId = newId(random)
  const body = JSON.stringify(toProblem(refusal, { publicUrl, requestId }))
  const headers = {
    ...securityHeaders(publicUrl),
    ...refusalHeaders(refusal, settings.tokenScheme),
    'x-request-id': requestId,
    'content-type': problemType,
    'content-length': String(Buffer.byteLength(body)),
  }
  return { status: statuses[refusal.code], headers, body }
}

/** Answers what is not HTTP, or too much of it, in the same form as everything else. */
const answerBrokenRequest =
  (engine: Engine, log: Logger) =>
  (error: Error, socket: Socket): void => {
    const refusal = toRefusal(Object.assign(error, { code: brokenRequestCode(error) }))
    log.info(
      { code: refusal.code, reason: error.message, address: socket.remoteAddress },
      'unreadable request',
    )
    if (!socket.writable) return void socket.destroy()
    const { status, headers, body } = toRawAnswer(engine, refusal)
    const lines = Object.entries({ ...headers, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
  }

const knownBroken = ['HPE_HEADER_OVERFLOW', 'ERR_HTTP_REQUEST_TIMEOUT']
const brokenRequestCode = (error: NodeJS.ErrnoException): string =>
  error.code !== undefined && knownBroken.includes(error.code) ? error.code : 'ECONNRESET'

/** URLs that can't be decoded never reach a route. */
const answerBadUrl =
  (engine: Engine) =>
  (error: Error, _request: FastifyRequest, reply: FastifyReply): void => {
    const { status, headers, body } = toRawAnswer(engine, toRefusal(error))
    reply.code(status).headers(headers).serializer(String).send(body)
  }

/** The gate with an application behind it, ready to listen or to be injected. */
export const createApp = async ({
  engine,
  log,
  mount,
  application,
  certificate,
}: AppOptions): Promise<App> => {
  const servers: (Server | HttpsServer)[] = []
  const app = Fastify({
    logger: false,
    genReqId: () => newId(engine.random),
    requestIdHeader: false,
    trustProxy: false,
    bodyLimit,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: answerBadUrl(engine),
    clientErrorHandler: answerBrokenRequest(engine, log),
    serverFactory: handler => {
      const listener = handler as RequestListener
      const server = certificate
        ? createHttpsServer({ ...serverOptions, ...certificate, minVersion: 'TLSv1.2' }, listener)
        : createHttpServer(serverOptions, listener)
      servers.push(server)
      return server as Server
    },
  })
  const { plugin, things = {} } = application ?? {}
  await app.register(gatewright, { engine, log, mount, things })
  if (plugin !== undefined) await app.register(plugin)
  await app.ready()
  return {
    app,
    useCertificate: pair => {
      for (const server of servers) if ('setSecureContext' in server) server.setSecureContext({ ...pair })
    },
  }
}
