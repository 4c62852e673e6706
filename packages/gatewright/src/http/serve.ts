import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { compose, dataFolder, type Engine } from '../compose.ts'
import { second } from '../ground/clock.ts'
import { loadSettings, SettingsError } from '../ground/load-settings.ts'
import { productionErrors, productionReasons } from '../ground/production-rules.ts'
import type { Settings } from '../ground/settings.ts'
import { openSetupLink } from '../sign-in/setup-link.ts'
import { type App, type Application, createApp } from './app.ts'
import { openCertificate, watchCertificate } from './certificate.ts'
import { type Log, openLog } from './log.ts'

export type ServeOptions = {
  /** Where the account routes stand. */
  readonly mount: string
  readonly application?: Application
}

/** What is in flight may take this long to finish after SIGTERM; the rest of 10 s is for closing. */
const longestFinish = 8 * second

/** The settings, or a stop with every line that says what to write. */
const readSettings = (): Settings => {
  const { settings, sources } = loadSettings()
  const errors = productionErrors(settings, sources)
  if (errors.length > 0) throw new SettingsError(errors)
  return settings
}

/** Names and links know the port, so a free one is found before anything is built. */
const findFreePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, 'localhost', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

type Announce = (message: string, fields?: Readonly<Record<string, unknown>>) => void

/** What every start says, whatever the level of the log. */
const createAnnounce =
  ({ settings, clock }: Engine): Announce =>
  (message, fields = {}) => {
    const line = JSON.stringify({ level: 'info', time: clock.now(), ...fields, msg: message })
    process.stdout.write(`${settings.logFormat === 'pretty' ? message : line}\n`)
  }

const announceSetupLink = async (engine: Engine, announce: Announce): Promise<void> => {
  const link = await openSetupLink(engine)
  if (link.state === 'closed') return
  if (link.state === 'open already') {
    announce(
      'There is no administrator yet, and a set-up link is open: it was shown when it was made. Without it: npm run gatewright -- user create --username alice --role admin --password-stdin',
    )
    return
  }
  const address = `${engine.publicUrl}/console/setup#${link.token}`
  if (productionReasons(engine.settings).length === 0 || process.stdout.isTTY) {
    announce(`First administrator: ${address} (works once, for 24 hours)`, { setup_link: address })
    return
  }
  const file = join(dataFolder(engine.settings), 'setup-link')
  writeFileSync(file, `${address}\n`, { mode: 0o600 })
  announce(`First administrator: open the link in ${file} (works once, for 24 hours)`)
}

const announceStart = async (engine: Engine, mount: string): Promise<void> => {
  const announce = createAnnounce(engine)
  announce(`API: ${engine.publicUrl}${mount}`, { api: engine.publicUrl + mount })
  announce(`Health: ${engine.publicUrl}/healthz and ${engine.publicUrl}/readyz`)
  for (const reason of productionReasons(engine.settings)) announce(`Production's rules hold: ${reason}`)
  if (engine.settings.limits === 'off')
    announce('LIMITS=off: nothing is limited. Never use this where others can reach it.')
  await announceSetupLink(engine, announce)
}

const listen = async (app: FastifyInstance, settings: Settings, port: number): Promise<void> => {
  try {
    await app.listen({ host: settings.host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new SettingsError([
      `PORT ${port} is taken by another program: stop that one, or set PORT to another number (0 picks a free one)`,
    ])
  }
}

type Running = {
  readonly engine: Engine
  readonly app: App['app']
  readonly log: Log
  readonly unwatch: () => void
}

/** Finishes what is in flight, then closes; a second signal does not wait. */
const stopOnSignal = ({ engine, app, log, unwatch }: Running): void => {
  const stop = async (signal: string): Promise<void> => {
    log.logger.info(`${signal}: finishing what is in flight`)
    unwatch()
    const closed = app.close()
    const late = engine.clock.sleep(longestFinish).then(() => app.server.closeAllConnections())
    await Promise.race([closed, late.then(() => closed)])
    await engine.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(1))
      stop(signal).catch(error => {
        log.logger.error({ err: error }, 'closing failed')
        process.exit(1)
      })
    })
  }
  process.on('SIGHUP', log.reopen)
}

const start = async ({ mount, application }: ServeOptions): Promise<void> => {
  const settings = readSettings()
  const log = await openLog(settings)
  const port = settings.port === 0 ? await findFreePort() : settings.port
  const engine = await compose({ settings, port, migrations: application?.migrations ?? [] })
  const certificate = await openCertificate(settings, dataFolder(settings))
  const { app, useCertificate } = await createApp({
    engine,
    log: log.logger,
    mount,
    certificate,
    ...(application && { application }),
  })
  const unwatch = watchCertificate(settings, useCertificate, error =>
    log.logger.error({ err: error }, 'the new certificate can not be used; the former one stays'),
  )
  await listen(app, settings, port)
  stopOnSignal({ engine, app, log, unwatch })
  await announceStart(engine, mount)
}

/**
 * The server: settings from the environment, the gate, and the application behind it. What can't start
 * says in one line each what to write instead, and exits with 1.
 */
export const serve = async (options: ServeOptions): Promise<void> => {
  try {
    await start(options)
  } catch (error) {
    const lines =
      error instanceof SettingsError ? error.lines : [error instanceof Error ? error.message : String(error)]
    for (const line of lines) process.stderr.write(`gatewright: ${line}\n`)
    process.exit(1)
  }
}
