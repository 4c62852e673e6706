import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compose, dataFolder, type Engine } from '../compose.ts'
import { second } from '../ground/clock.ts'
import { SettingsError } from '../ground/load-settings.ts'
import { productionReasons } from '../ground/production-rules.ts'
import { loadStartSettings } from '../ground/start-settings.ts'
import { describeSecrets } from '../processes/describe-secrets.ts'
import { openSetupLink, toSetupAddress } from '../sign-in/setup-link.ts'
import { type App, type Application, createApp } from './app.ts'
import { openCertificate, watchCertificate } from './certificate.ts'
import { holdFreePort } from './listen.ts'
import { type Log, openLog } from './log.ts'

export type ServeOptions = {
  /** Where the account routes stand. */
  readonly mount: string
  readonly application?: Application
  /** How the command line is called where this server runs, for the hints of the start. */
  readonly command?: string
}

/** What is in flight may take this long after SIGTERM; the rest of 10 s is for closing, 2 s of it the database. */
const longestFinish = 7 * second

type Announce = (message: string, fields?: Readonly<Record<string, unknown>>) => void

/** What every start says, whatever the level of the log. */
const createAnnounce =
  ({ settings, clock }: Engine): Announce =>
  (message, fields = {}) => {
    const line = JSON.stringify({ level: 'info', time: clock.now(), ...fields, msg: message })
    process.stdout.write(`${settings.logFormat === 'pretty' ? message : line}\n`)
  }

const whyProduction = ({ settings, processes }: Engine): readonly string[] =>
  productionReasons(settings, processes.surroundings())

const announceSetupLink = async (engine: Engine, announce: Announce, command: string): Promise<void> => {
  const link = await openSetupLink(engine)
  if (link.state === 'closed') return
  if (link.state === 'open already') {
    announce(
      `There is no administrator yet, and a set-up link is open: it was shown when it was made. Without it: ${command} user create --username alice --role admin --password-stdin`,
    )
    return
  }
  const address = toSetupAddress(engine.publicUrl, link.token)
  if (whyProduction(engine).length === 0 || process.stdout.isTTY) {
    announce(`First administrator: ${address} (works once, for 24 hours)`, { setup_link: address })
    return
  }
  const file = join(dataFolder(engine.settings), 'setup-link')
  // The mode is that of a new file only.
  rmSync(file, { force: true })
  writeFileSync(file, `${address}\n`, { mode: 0o600, flag: 'wx' })
  announce(`First administrator: open the link in ${file} (works once, for 24 hours)`)
}

const announceStart = async (
  engine: Engine,
  { mount, command = 'npx gatewright' }: ServeOptions,
  port: number,
): Promise<void> => {
  const announce = createAnnounce(engine)
  announce(`API: ${engine.publicUrl}${mount}`, { api: engine.publicUrl + mount })
  announce(`API reference: ${engine.publicUrl}/docs`, { reference: `${engine.publicUrl}/docs` })
  if (engine.places.accepted.has('cookie'))
    announce(`Console: ${engine.publicUrl}/console`, { console: `${engine.publicUrl}/console` })
  if (engine.settings.publicUrl !== undefined)
    announce(`Listening: ${engine.settings.host}, port ${port}`, { port })
  announce(`Health: ${engine.publicUrl}/healthz and ${engine.publicUrl}/readyz`)
  for (const reason of whyProduction(engine)) announce(`Production's rules hold: ${reason}`)
  for (const warning of engine.warnings) announce(`Warning: ${warning}`)
  for (const line of await describeSecrets(engine)) announce(line)
  if (engine.settings.limits === 'off')
    announce('LIMITS=off: nothing is limited. Never use this where others can reach it.')
  await announceSetupLink(engine, announce, command)
}

type Running = {
  readonly engine: Engine
  readonly app: App
  readonly log: Log
  readonly unwatch: () => void
}

/** A second signal within so many milliseconds is the first one: shells and npm hand on what the terminal sent. */
const sameSignal = 300

/** Finishes what is in flight, then closes; a second signal does not wait. */
const stopOnSignal = ({ engine, app, log, unwatch }: Running): void => {
  const stop = async (signal: string): Promise<void> => {
    log.logger.info(`${signal}: finishing what is in flight`)
    unwatch()
    await app.close(longestFinish)
    await engine.close()
    process.exit(0)
  }
  let stoppingSince: number | undefined
  const onSignal = (signal: string): void => {
    const now = engine.clock.monotonic()
    if (stoppingSince !== undefined && now - stoppingSince > sameSignal) process.exit(1)
    if (stoppingSince !== undefined) return
    stoppingSince = now
    stop(signal).catch(error => {
      log.logger.error({ err: error }, 'closing failed')
      process.exit(1)
    })
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, onSignal)
  process.on('SIGHUP', log.reopen)
}

/**
 * What is written into a file that has lost its name is lost with the process, so nothing is to be finished. The
 * next start looks at what stands there now.
 */
const stopWhenLost = ({ engine, app, unwatch }: Running): void =>
  engine.revocations.onLost(() => {
    process.stderr.write(
      'gatewright: the file of the database was deleted, or another one stands in its place: this process ends; the next start says what to do\n',
    )
    unwatch()
    void Promise.allSettled([app.close(0), engine.close()]).then(() => process.exit(1))
  })

/** What was opened so far, to be closed again where the start fails. */
type Opened = Pick<AsyncDisposableStack, 'defer'>

const open = async (opened: Opened, options: ServeOptions): Promise<void> => {
  const { mount, application } = options
  const { settings, sources } = loadStartSettings()
  const log = await openLog(settings)
  const held = settings.port === 0 ? await holdFreePort(settings.host) : undefined
  opened.defer(async () => held?.release())
  const port = held?.port ?? settings.port
  const { migrations = [] } = application ?? {}
  const engine = await compose({
    settings,
    sources,
    port,
    migrations,
    ...(application && { declaration: application }),
  })
  opened.defer(engine.close)
  const certificate = await openCertificate(settings, dataFolder(settings), engine.clock.now())
  const app = await createApp({
    engine,
    log: log.logger,
    mount,
    certificate,
    ...(application && { application }),
  })
  opened.defer(() => app.close(0))
  const unwatch = watchCertificate(settings, app.useCertificate, error =>
    log.logger.error({ err: error }, 'the new certificate can not be used; the former one stays'),
  )
  opened.defer(unwatch)
  await held?.release()
  await app.listen({ host: settings.host, port })
  stopOnSignal({ engine, app, log, unwatch })
  stopWhenLost({ engine, app, log, unwatch })
  await announceStart(engine, options, port)
}

/**
 * Starts the server: settings from the environment, the gate, and the application behind it. Where that
 * fails, nothing stays open.
 * @throws SettingsError with every line that says what to write
 */
export const startServer = async (options: ServeOptions): Promise<void> => {
  const opened = new AsyncDisposableStack()
  try {
    await open(opened, options)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

/** The whole program: what can't start says in one line each what to write instead, and exits with 1. */
export const serve = async (options: ServeOptions): Promise<void> => {
  try {
    await startServer(options)
  } catch (error) {
    const lines =
      error instanceof SettingsError ? error.lines : [error instanceof Error ? error.message : String(error)]
    for (const line of lines) process.stderr.write(`gatewright: ${line}\n`)
    process.exit(1)
  }
}
