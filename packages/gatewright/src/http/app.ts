import { type RequestListener, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, {
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Logger } from 'pino'
import type { UserData } from '../administration/export-user.ts'
import type { EventTable } from '../audit/events.ts'
import type { Engine } from '../compose.ts'
import type { FindThing } from '../gate/check-access.ts'
import { createRequestIds, newId } from '../ground/random.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Hooks } from '../hooks/events.ts'
import type { RoleDeclaration } from '../permissions/roles.ts'
import type { MigrationSet } from '../storage/migrate.ts'
import type { UserFields } from '../users/declared-fields.ts'
import type { ParentLink } from '../workers/parent-link.ts'
import type { Certificate } from './certificate.ts'
// Written so, it stays in the types of the package, where `import type {}` does not.
import './declarations.ts'
import { bodyLimit } from './json-body.ts'
import { listen } from './listen.ts'
import { gatePlugin } from './plugin.ts'
import { toRawAnswer } from './raw-answer.ts'
import { createUnreadableLog, type UnreadableLog } from './request-log.ts'
import { frontDoorRoute } from './routes/front-door.ts'
import { createServers, type Servers } from './servers.ts'
import { toRefusal } from './to-refusal.ts'
import { findTrace, traceFieldsOf } from './trace.ts'

/** An API behind the gate: its routes, its tables, how its objects are found, its permissions and roles. */
export type Application = RoleDeclaration & {
  readonly plugin: FastifyPluginAsync
  readonly migrations?: readonly MigrationSet[]
  readonly things?: Readonly<Record<string, FindThing>>
  /** What the application keeps of a user, for `GET /me/export`: rows by name, as they may be shown to that user. */
  readonly userData?: UserData
  /** Its own audit events, by name, as `createRecorder` writes them. */
  readonly auditEvents?: EventTable
  /** Its own fields on every user (docs/user-fields.md). */
  readonly userFields?: UserFields
  /** What it does after something happened to a user (docs/hooks.md). */
  readonly hooks?: Hooks
}

export type AppOptions = {
  readonly engine: Engine
  readonly log: Logger
  /** Where the account routes stand. */
  readonly mount: string
  readonly application?: Application
  readonly certificate?: Certificate | undefined
  /** Where this is one of several workers. */
  readonly parent?: ParentLink | undefined
}

export type App = {
  readonly app: FastifyInstance
  /** Listens on every address of the host. @throws SettingsError when another program has the port */
  readonly listen: (where: { readonly host: string; readonly port: number }) => Promise<void>
  /**
   * Takes no more connections; those that are there end with their next answer, and a request that is on the way
   * still gets one. Resolves when the last has ended, or after so many milliseconds.
   */
  readonly retire: (longest: number) => Promise<void>
  /** Takes no more connections, lets what is in flight finish for so many milliseconds, and cuts off the rest. */
  readonly close: (longest: number) => Promise<void>
  /** Uses another certificate for new connections. */
  readonly useCertificate: (certificate: Certificate) => void
}

/** Answers what is not HTTP, or too much of it, in the same form as everything else. */
const answerBrokenRequest =
  (engine: Engine, logUnreadable: UnreadableLog) =>
  (error: Error, socket: Socket): void => {
    const refusal = toRefusal(Object.assign(error, { code: brokenRequestCode(error) }))
    const requestId = newId(engine.random)
    const address = engine.findAddress(socket.remoteAddress, [])
    logUnreadable({ request_id: requestId, code: refusal.code, reason: reasonOf(error, socket), address })
    if (!socket.writable) return void socket.destroy()
    const { status, headers, body } = toRawAnswer(engine, refusal, requestId)
    const lines = Object.entries({ ...headers, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
  }

/** Of a handshake that was refused for the caller's certificate, the error says only that it ended. */
const reasonOf = (error: Error, socket: Socket): string =>
  'authorizationError' in socket && socket.authorizationError
    ? `certificate: ${String(socket.authorizationError)}`
    : error.message

const knownBroken = ['HPE_HEADER_OVERFLOW', 'ERR_HTTP_REQUEST_TIMEOUT']
const brokenRequestCode = (error: NodeJS.ErrnoException): string =>
  error.code !== undefined && knownBroken.includes(error.code) ? error.code : 'BROKEN_REQUEST'

/** URLs that can't be decoded never reach a route, nor the hooks. */
const answerBadUrl =
  (engine: Engine, logUnreadable: UnreadableLog) =>
  (error: Error, { id, raw }: FastifyRequest, reply: FastifyReply): void => {
    const refusal = toRefusal(error)
    const address = engine.findAddress(raw.socket.remoteAddress, raw.rawHeaders)
    logUnreadable({
      request_id: id,
      ...traceFieldsOf({ trace: findTrace(raw) }),
      code: refusal.code,
      reason: 'url',
      address,
    })
    const { status, headers, body } = toRawAnswer(engine, refusal, id)
    reply.code(status).headers(headers).serializer(String).send(body)
  }

/** When Fastify closes its own server, the others close beside it. */
const closeTogether = (app: FastifyInstance, { closeFurther }: Servers): void => {
  let closed: Promise<void> | undefined
  app.addHook('preClose', async () => {
    closed = closeFurther()
  })
  app.addHook('onClose', async () => closed)
}

/** How often connections are looked for whose last answer has gone out: closing a server does it only once. */
const sweepInterval = 50

const finish = async (app: FastifyInstance, servers: Servers, longest: number): Promise<void> => {
  const sweep = setInterval(servers.closeIdleConnections, sweepInterval)
  const cut = setTimeout(servers.closeAllConnections, longest)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
    clearTimeout(cut)
  }
}

/** The gate with an application behind it, ready to listen or to be injected. */
export const createApp = async ({
  engine,
  log,
  mount,
  application,
  certificate,
  parent,
}: AppOptions): Promise<App> => {
  const logUnreadable = createUnreadableLog(log, engine.settings.accessLog)
  const answerBroken = answerBrokenRequest(engine, logUnreadable)
  const servers = createServers({ certificate, answerBrokenRequest: answerBroken })
  const app = Fastify({
    logger: false,
    genReqId: createRequestIds(engine.random),
    requestIdHeader: false,
    trustProxy: false,
    bodyLimit,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: answerBadUrl(engine, logUnreadable),
    clientErrorHandler: answerBroken,
    serverFactory: handler => servers.create(handler as RequestListener),
  })
  closeTogether(app, servers)
  const { plugin, ...declared } = application ?? {}
  await app.register(gatePlugin, { engine, log, mount, parent, ...declared })
  if (plugin !== undefined) await app.register(plugin)
  frontDoorRoute(app, engine)
  await app.ready()
  return {
    app,
    listen: where => listen(app, servers, where),
    retire: longest => waitAtMost(longest, servers.retire()),
    close: longest => finish(app, servers, longest),
    useCertificate: servers.useCertificate,
  }
}
