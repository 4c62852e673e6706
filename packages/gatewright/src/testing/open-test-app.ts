import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type Logger, pino } from 'pino'
import { compose, type Engine } from '../compose.ts'
import type { Clock } from '../ground/clock.ts'
import type { Settings } from '../ground/settings.ts'
import type { AnyHookEvent } from '../hooks/events.ts'
import { type Application, createApp } from '../http/app.ts'
import { createEnginePlugin, guardAddresses, type OpenEngine } from '../http/engine-plugin.ts'
import type { gatewright } from '../http/gatewright.ts'
import { recordHooks } from './record-hooks.ts'
import { recordMail, type SentMail } from './record-mail.ts'
import { shareStrength } from './share-strength.ts'

/** What is tested: an application as the server takes it, or one that registers the plugin by itself. */
export type Subject =
  | { readonly application: Application; readonly mount?: string }
  | {
      /**
       * Builds the application with the plugin that it is given, in place of `gatewright`, and gives it
       * back before it listens.
       */
      readonly build: (plugin: typeof gatewright) => FastifyInstance | Promise<FastifyInstance>
    }

export type OpenedApp = {
  readonly app: FastifyInstance
  readonly engine: Engine
  /** Lines of the log, as JSON texts. */
  readonly logLines: readonly string[]
  /** Hook events whose handlers have finished well, in that order. */
  readonly delivered: readonly AnyHookEvent[]
  /** Sends the mail that is due, and gives all that was sent so far. */
  readonly deliverMail: () => Promise<readonly SentMail[]>
  readonly close: () => Promise<void>
}

type Options = { readonly settings: Settings; readonly clock: Clock; readonly subject: Subject }
/** What was opened so far, to be closed again where the start fails. */
type Opened = Pick<AsyncDisposableStack, 'defer'>
type Recorded = Pick<OpenedApp, 'engine' | 'delivered' | 'deliverMail'>

/** Commits need not be durable: the database of a test outlives no power cut. */
const openEngine = async (
  { settings, clock }: Omit<Options, 'subject'>,
  declared: Parameters<OpenEngine>[0],
): Promise<Recorded> => {
  const { transport, sent } = recordMail()
  const engine = await compose({ settings, clock, durability: 'off', transport, ...declared })
  const { hooks, delivered } = recordHooks(engine.hooks)
  // Nothing is sent while a test looks elsewhere.
  const mail = { ...engine.mail, start: () => {} }
  const sealer = { ...engine.sealer, start: () => {} }
  const deliverMail = async () => {
    await mail.deliver()
    return [...sent]
  }
  return { engine: { ...engine, hooks, mail, sealer, strength: shareStrength() }, delivered, deliverMail }
}

/** The server of production listens where HOST says; a test may listen by itself. */
const guarded = (plugin: Application['plugin'], engine: Engine): Application['plugin'] =>
  fastifyPlugin(async app => {
    guardAddresses(app, engine)
    await app.register(plugin)
  })

/** As `gatewright/server` does it, without listening. */
const openApplication = async (
  opened: Opened,
  { application, mount = '/auth' }: Extract<Subject, { application: Application }>,
  { log, ...options }: Omit<Options, 'subject'> & { readonly log: Logger },
): Promise<Recorded & Pick<OpenedApp, 'app'>> => {
  const { migrations = [] } = application
  const recorded = await openEngine(options, { migrations, declaration: application })
  const { engine } = recorded
  opened.defer(engine.close)
  const plugin = guarded(application.plugin, engine)
  const { app } = await createApp({ engine, log, mount, application: { ...application, plugin } })
  opened.defer(() => app.close())
  return { app, ...recorded }
}

const notRegistered =
  'build gave an application that has not registered the plugin it was given: write build: plugin => buildApi(plugin), and in buildApi await app.register(plugin, …) where gatewright was registered'

/** As an application with the plugin starts, without listening. */
const buildApplication = async (
  opened: Opened,
  { build }: Extract<Subject, { build: unknown }>,
  { log, ...options }: Omit<Options, 'subject'> & { readonly log: Logger },
): Promise<Recorded & Pick<OpenedApp, 'app'>> => {
  let made: Recorded | undefined
  const plugin = createEnginePlugin(async declared => {
    if (made !== undefined) throw new TypeError('the plugin of a test is registered once')
    made = await openEngine(options, declared)
    opened.defer(made.engine.close)
    return { engine: made.engine, log }
  })
  const app = await build(plugin)
  opened.defer(() => app.close())
  await app.ready()
  if (made === undefined || app.gatewright !== made.engine) throw new TypeError(notRegistered)
  return { app, ...made }
}

/**
 * Opens what is tested on these settings, whatever they are: what may be tested is asked by `startTestApp`.
 * Where that fails, nothing stays open.
 */
export const openTestApp = async ({ subject, ...options }: Options): Promise<OpenedApp> => {
  const opened = new AsyncDisposableStack()
  const logLines: string[] = []
  const log = pino({ level: 'trace', base: null }, { write: line => void logLines.push(line) })
  try {
    const app =
      'application' in subject
        ? await openApplication(opened, subject, { ...options, log })
        : await buildApplication(opened, subject, { ...options, log })
    return { ...app, logLines, close: () => opened.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}
