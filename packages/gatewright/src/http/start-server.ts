import { compose, dataFolder, type Engine } from '../compose.ts'
import { second } from '../ground/clock.ts'
import { endOnUncaught } from '../ground/last-resort.ts'
import type { LoadedSettings } from '../ground/load-settings.ts'
import type { ParentLink } from '../workers/parent-link.ts'
import { onStopSignal } from '../workers/stop-signal.ts'
import { announceStart } from './announce.ts'
import { type App, createApp } from './app.ts'
import { openCertificate, watchCertificate } from './certificate.ts'
import { holdFreePort } from './listen.ts'
import { type Log, openLog } from './log.ts'
import { untilReady } from './readiness.ts'
import type { ServeOptions } from './serve-options.ts'
import { longestRetirement } from './worker-limits.ts'

/** What is in flight may take this long after SIGTERM; the rest of 10 s is for closing, 2 s of it the database. */
const longestFinish = 7 * second
/** Longer than that no process lives on that something went wrong in. */
const longestEnd = 9.5 * second

type Running = {
  readonly engine: Engine
  readonly app: App
  readonly log: Log
  readonly unwatch: () => void
  readonly parent: ParentLink | undefined
}

type Stop = (why: string, code?: 0 | 1) => void

/** Finishes what is in flight, then closes, once. */
const createStop = ({ engine, app, log, unwatch }: Running): Stop => {
  let isStopping = false
  let exitCode: 0 | 1 = 0
  const close = async (why: string): Promise<void> => {
    log.logger.info(`${why}: finishing what is in flight`)
    unwatch()
    await app.close(longestFinish)
    await engine.close()
  }
  return (why, code = 0) => {
    exitCode = code || exitCode
    // What was left half done may never end.
    if (code === 1) setTimeout(() => process.exit(1), longestEnd).unref()
    if (isStopping) return
    isStopping = true
    close(why).then(
      () => process.exit(exitCode),
      error => {
        log.logger.error({ err: error }, 'closing failed')
        process.exit(1)
      },
    )
  }
}

/** A second signal does not wait. */
const obeySignals = ({ engine, app, log, parent }: Running, stop: Stop): void => {
  const retire = async (): Promise<void> => {
    log.logger.info('restart: connections end with their next answer')
    await app.retire(longestRetirement)
    stop('restart')
  }
  onStopSignal(engine.clock, { stop, stopNow: () => process.exit(1) })
  process.on('SIGHUP', log.reopen)
  process.on('SIGUSR2', () => {
    if (parent === undefined) log.logger.warn('SIGUSR2: nothing is restarted, for WORKERS is 1')
  })
  parent?.obey({ stop: () => stop('stop'), retire: () => void retire(), 'reopen-log': log.reopen })
  // What the parent ordered before this line was obeyed by nobody.
  if (parent !== undefined) log.reopen()
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

const open = async (
  opened: Opened,
  options: ServeOptions,
  { settings, sources }: LoadedSettings,
  parent: ParentLink | undefined,
): Promise<void> => {
  const { mount, application } = options
  const log = await openLog(settings)
  const uncaught = { end: (): void => process.exit(1) }
  const release = endOnUncaught({ log: log.logger, end: () => uncaught.end() })
  opened.defer(async () => release())
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
    parent,
    ...(application && { application }),
  })
  opened.defer(() => app.close(0))
  const unwatch = watchCertificate(settings, app.useCertificate, error =>
    log.logger.error({ err: error }, 'the new certificate can not be used; the former one stays'),
  )
  opened.defer(unwatch)
  if (parent?.isFirst === false) await untilReady(engine)
  await held?.release()
  await app.listen({ host: settings.host, port })
  const running = { engine, app, log, unwatch, parent }
  const stop = createStop(running)
  uncaught.end = () => stop('an error that nobody caught', 1)
  obeySignals(running, stop)
  // Who reads them may be gone, or their disk full: no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  stopWhenLost(running)
  parent?.sayReady(port)
  if (parent?.isFirst !== false) await announceStart(engine, options, port)
}

/**
 * Serves in this process: the gate, and the application behind it. Where that fails, nothing stays open.
 * @param parent where this is one of several workers
 */
export const startServer = async (
  options: ServeOptions,
  loaded: LoadedSettings,
  parent: ParentLink | undefined,
): Promise<void> => {
  const opened = new AsyncDisposableStack()
  try {
    await open(opened, options, loaded, parent)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}
