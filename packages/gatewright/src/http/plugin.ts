import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Logger } from 'pino'
import type { UserData } from '../administration/export-user.ts'
import { type EventTable, withOwnEvents } from '../audit/events.ts'
import type { Engine } from '../compose.ts'
import type { FindThing } from '../gate/check-access.ts'
import type { Hooks } from '../hooks/events.ts'
import { checkOverrides } from '../limits/override.ts'
import { checkUserFields, type UserFields } from '../users/declared-fields.ts'
import type { ParentLink } from '../workers/parent-link.ts'
import { createAnswerRefusal } from './answer-refusal.ts'
import { addConditionalReads } from './conditional.ts'
import type {} from './declarations.ts'
import { addGateHooks, toNotFound } from './gate-hooks.ts'
import { acceptJsonOnly } from './json-body.ts'
import { toLoggedError } from './logged-error.ts'
import { createMetrics } from './metrics/metrics.ts'
import { countRequests, type RouteCount, toStatuses } from './metrics/request-counts.ts'
import { createRequestLog } from './request-log.ts'
import { collectRoutes } from './route-table.ts'
import { accessReviewRoutes } from './routes/access-review.ts'
import { accountRoutes } from './routes/account.ts'
import { addUserRoutes } from './routes/add-user.ts'
import { adminApiKeyRoutes } from './routes/admin-api-keys.ts'
import { adminHealthRoutes } from './routes/admin-health.ts'
import { adminSessionRoutes } from './routes/admin-sessions.ts'
import { adminUserChangeRoutes } from './routes/admin-user-changes.ts'
import { adminUserRoutes } from './routes/admin-users.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { auditRoutes } from './routes/audit.ts'
import { auditChainRoutes } from './routes/audit-chain.ts'
import { auditExportRoutes } from './routes/audit-export.ts'
import { consoleRoutes } from './routes/console.ts'
import { cookieSessionRoutes } from './routes/cookie-sessions.ts'
import { emailRoutes } from './routes/email.ts'
import { errorDocsRoutes } from './routes/error-docs.ts'
import { explainRoutes } from './routes/explain.ts'
import { healthRoutes } from './routes/health.ts'
import { identityRoutes } from './routes/identities.ts'
import { invitationRoutes } from './routes/invitations.ts'
import { issuerRoutes } from './routes/issuers.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { ownDataRoutes } from './routes/own-data.ts'
import { ownDeviceRoutes } from './routes/own-devices.ts'
import { ownEventRoutes } from './routes/own-events.ts'
import { ownFactorRoutes } from './routes/own-factors.ts'
import { ownPasskeyRoutes } from './routes/own-passkeys.ts'
import { passkeySignInRoutes } from './routes/passkey-sign-in.ts'
import { passwordStrengthRoutes } from './routes/password-strength.ts'
import { referenceRoutes } from './routes/reference.ts'
import { revocationsRoutes } from './routes/revocations.ts'
import { roleRoutes } from './routes/roles.ts'
import { secondHalfRoutes } from './routes/second-half.ts'
import { serviceRoutes } from './routes/services.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { settingsRoutes } from './routes/settings.ts'
import { setupRoutes } from './routes/setup.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { signingKeyRoutes } from './routes/signing-keys.ts'
import { statisticsRoutes } from './routes/statistics.ts'
import { stepUpRoutes } from './routes/step-up.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { followTraces } from './trace.ts'
import { useStrictSchemas } from './validation.ts'
import { writeTogether } from './write-together.ts'

export type GateOptions = {
  readonly engine: Engine
  readonly log: Logger
  /** Where the account routes stand. */
  readonly mount?: string
  /** Finders of the application's objects, by the names that access rules use. */
  readonly things?: Readonly<Record<string, FindThing>>
  /** What the application keeps of a user, for `GET /me/export`. */
  readonly userData?: UserData
  /** The application's own audit events, by name (`createRecorder`). */
  readonly auditEvents?: EventTable
  /** The application's own fields on every user, by name (docs/user-fields.md). */
  readonly userFields?: UserFields
  /** What the application does after something happened to a user (docs/hooks.md). */
  readonly hooks?: Hooks
  /** Where this is one of several workers. */
  readonly parent?: ParentLink | undefined
}

/** Events are delivered while requests are taken. What handlers are at is waited for beside what requests are at. */
const runHooks = (app: FastifyInstance, { engine, hooks }: GateOptions, log: Logger): void => {
  if (hooks === undefined) return
  app.addHook('onReady', () => engine.hooks.start(hooks, log))
  app.addHook('preClose', async () => void engine.hooks.stop())
}

/** Old rows are deleted while requests are taken, until the engine closes: by servers only, never by a command. */
const keepHouse = (app: FastifyInstance, { housekeeping }: Engine, log: Logger): void => {
  app.addHook('onReady', async () => housekeeping.start(log))
}

/** What is counted is written while requests are taken, by servers only. */
const countMinutes = (
  app: FastifyInstance,
  { minutes }: Engine,
  counts: readonly RouteCount[],
  log: Logger,
): void => {
  minutes.countAnswers(() => toStatuses(counts))
  app.addHook('onReady', async () => minutes.start(log))
}

/** What is recorded is sealed while requests are taken, and what is left when the engine closes. */
const seal = (app: FastifyInstance, { sealer }: Engine, log: Logger): void => {
  app.addHook('onReady', async () => sealer.start(log))
}

/** Mail goes out while requests are taken. */
const sendMail = (app: FastifyInstance, { mail }: Engine, log: Logger): void => {
  app.addHook('onReady', async () => mail.start(log))
  app.addHook('preClose', async () => void mail.stop())
}

const register = async (app: FastifyInstance, options: GateOptions): Promise<void> => {
  const { engine, mount = '/auth' } = options
  const log = options.log.child({}, { serializers: { err: toLoggedError } })
  const things = new Map(Object.entries(options.things ?? {}))
  const answerRefusal = createAnswerRefusal(engine, log)
  const gate = { ...engine, things }

  app.decorate('gatewright', engine)
  app.decorate('gate', gate)
  app.decorate('userData', options.userData ?? {})
  app.decorate('auditEvents', withOwnEvents(options.auditEvents))
  app.decorate('userFields', checkUserFields(options.userFields ?? {}))
  app.decorateRequest('passage', undefined)
  app.decorateRequest('principal', undefined)
  app.decorateReply('refusal', undefined)
  const counts = countRequests(app)
  const { limiter, roleTable, settings } = engine
  const table = collectRoutes(app, {
    things,
    permissions: roleTable.permissions,
    roles: roleTable.roles,
    made: roleTable.made,
    noteNamed: roleTable.noteNamed,
    limiter,
  })
  app.decorate('routeTable', table)
  // Routes bring limits of their own.
  app.addHook('onReady', async () => checkOverrides(settings.limitsOverride, limiter.policies()))

  followTraces(app)
  acceptJsonOnly(app)
  useStrictSchemas(app)
  addGateHooks(app, engine, gate)
  addConditionalReads(app, engine.places)
  writeTogether(app)
  const logRequest = createRequestLog(log, engine.settings.accessLog)
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(request, reply)
    done()
  })
  app.setErrorHandler((error, request, reply) => answerRefusal(request, reply, error))
  app.setNotFoundHandler((request, reply) => answerRefusal(request, reply, toNotFound(request)))

  runHooks(app, options, log)
  keepHouse(app, engine, log)
  sendMail(app, engine, log)
  countMinutes(app, engine, counts, log)
  seal(app, engine, log)
  engine.processes.tell(log)
  engine.refusals.tell(log)
  engine.foreignUses.tell(log)
  engine.keyRing.tell(log)
  engine.federation.tell(log)
  engine.lines.tell(log)
  engine.counters.tell(log)
  engine.revocations.tell(log)
  engine.breaches.tell(log)
  healthRoutes(app, engine)
  wellKnownRoutes(app, engine, mount)
  metricsRoutes(app, engine, createMetrics(engine, counts, options.parent))
  errorDocsRoutes(app, mount)
  referenceRoutes(app, engine, mount)
  consoleRoutes(app, engine, mount)
  const accountScope = async (scope: FastifyInstance): Promise<void> => {
    for (const addRoutes of [
      setupRoutes,
      signInRoutes,
      passkeySignInRoutes,
      passwordStrengthRoutes,
      accountRoutes,
      ownDataRoutes,
      secondHalfRoutes,
      stepUpRoutes,
      ownFactorRoutes,
      ownPasskeyRoutes,
      emailRoutes,
      sessionRoutes,
      ownDeviceRoutes,
      apiKeyRoutes,
      cookieSessionRoutes,
      addUserRoutes,
      invitationRoutes,
      explainRoutes,
      roleRoutes,
      adminUserRoutes,
      adminApiKeyRoutes,
      adminUserChangeRoutes,
      identityRoutes,
      issuerRoutes,
      serviceRoutes,
      accessReviewRoutes,
      adminSessionRoutes,
      signingKeyRoutes,
      auditChainRoutes,
      settingsRoutes,
      adminHealthRoutes,
      statisticsRoutes,
      auditRoutes,
      auditExportRoutes,
      ownEventRoutes,
      revocationsRoutes,
    ])
      addRoutes(scope, engine)
  }
  await app.register(accountScope, { prefix: mount })
}

/**
 * The gate on an engine that is there. Registered first: from then on every route declares who may use it.
 *
 *     await app.register(gatePlugin, { engine, log })
 */
export const gatePlugin = fastifyPlugin(register, { fastify: '5.x', name: 'gatewright' })
