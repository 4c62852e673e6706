import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Logger } from 'pino'
import type { Engine } from '../compose.ts'
import type { FindThing } from '../gate/gate.ts'
import { createAnswerRefusal } from './answer-refusal.ts'
import type {} from './declarations.ts'
import { addGateHooks, toNotFound } from './gate-hooks.ts'
import { acceptJsonOnly } from './json-body.ts'
import { createRequestLog } from './request-log.ts'
import { collectRoutes } from './route-table.ts'
import { accountRoutes } from './routes/account.ts'
import { consoleRoutes } from './routes/console.ts'
import { cookieSessionRoutes } from './routes/cookie-sessions.ts'
import { errorDocsRoutes } from './routes/error-docs.ts'
import { healthRoutes } from './routes/health.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { setupRoutes } from './routes/setup.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { useStrictSchemas } from './validation.ts'

export type GatewrightOptions = {
  readonly engine: Engine
  readonly log: Logger
  /** Where the account routes stand. */
  readonly mount?: string
  /** Finders of the application's objects, by the names that access rules use. */
  readonly things?: Readonly<Record<string, FindThing>>
}

const register = async (app: FastifyInstance, options: GatewrightOptions): Promise<void> => {
  const { engine, log, mount = '/auth' } = options
  const things = new Map(Object.entries(options.things ?? {}))
  const answerRefusal = createAnswerRefusal(engine, log)

  app.decorate('gatewright', engine)
  app.decorateRequest('passage', undefined)
  app.decorateRequest('principal', undefined)
  app.decorateReply('refusal', undefined)
  const table = collectRoutes(app, things)
  app.decorate('routeTable', table)

  acceptJsonOnly(app)
  useStrictSchemas(app)
  addGateHooks(app, engine, { ...engine, things })
  app.addHook('onResponse', createRequestLog(log, engine.settings.accessLog))
  app.setErrorHandler((error, request, reply) => answerRefusal(request, reply, error))
  app.setNotFoundHandler((request, reply) => answerRefusal(request, reply, toNotFound(request)))

  healthRoutes(app, engine)
  errorDocsRoutes(app)
  consoleRoutes(app, engine, mount)
  const accountScope = async (scope: FastifyInstance): Promise<void> => {
    for (const addRoutes of [setupRoutes, signInRoutes, accountRoutes, sessionRoutes, cookieSessionRoutes])
      addRoutes(scope, engine)
  }
  await app.register(accountScope, { prefix: mount })
}

/**
 * The gate as a Fastify plugin. Register it first: from then on every route declares who may use it.
 *
 *     await app.register(gatewright, { engine, log })
 *     app.get('/reports', { config: { gate: { access: signedIn(), limit: 'read', audit: 'none' } } }, handler)
 */
export const gatewright = fastifyPlugin(register, { fastify: '5.x', name: 'gatewright' })
