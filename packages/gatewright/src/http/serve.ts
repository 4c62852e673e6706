import cluster from 'node:cluster'
import { systemClock } from '../ground/clock.ts'
import { countWorkers } from '../ground/count-workers.ts'
import { type LoadedSettings, SettingsError } from '../ground/load-settings.ts'
import { loadStartSettings } from '../ground/start-settings.ts'
import { endWhileStarting } from '../workers/stop-signal.ts'
import type { ServeOptions } from './serve-options.ts'

export type { ServeOptions } from './serve-options.ts'

/** What is served, or how it is loaded: with `WORKERS` the process that watches the workers never loads the application. */
export type Served = ServeOptions | (() => Promise<ServeOptions>)

/** This process watches, and starts itself again as workers. */
const watchWorkers = async ({ settings }: LoadedSettings): Promise<void> => {
  const [{ openLog }, { supervise }, { workerLimits: limits }] = await Promise.all([
    import('./log.ts'),
    import('../workers/supervise.ts'),
    import('./worker-limits.ts'),
  ])
  const { logger: log, reopen: reopenLog } = await openLog(settings)
  const picksPort = settings.port === 0
  await supervise({ count: countWorkers(settings), picksPort, log, reopenLog, clock: systemClock, limits })
}

const serveHere = async (served: Served, loaded: LoadedSettings): Promise<void> => {
  const isWorker = cluster.isWorker && countWorkers(loaded.settings) > 1
  const parent = isWorker ? (await import('../workers/parent-link.ts')).openParentLink() : undefined
  try {
    const { startServer: start } = await import('./start-server.ts')
    await start(typeof served === 'function' ? await served() : served, loaded, parent)
  } catch (error) {
    parent?.letGo()
    throw error
  }
}

/**
 * Starts the server: settings from the environment, the gate, and the application behind it; with `WORKERS`
 * several processes of it, which share the port. Where that fails, nothing stays open.
 * @throws SettingsError with every line that says what to write
 */
export const startServer = async (served: Served): Promise<void> => {
  endWhileStarting()
  const loaded = loadStartSettings()
  const watches = cluster.isPrimary && countWorkers(loaded.settings) > 1
  await (watches ? watchWorkers(loaded) : serveHere(served, loaded))
}

/** What has no words of its own, as several errors together, has at least a name. */
const linesOf = (error: unknown): readonly string[] => {
  if (error instanceof SettingsError) return error.lines
  return [error instanceof Error ? error.message || error.name : String(error)]
}

/** The whole program: what can't start says in one line each what to write instead, and exits with 1. */
export const serve = async (served: Served): Promise<void> => {
  try {
    await startServer(served)
  } catch (error) {
    for (const line of linesOf(error))
      process.stderr.write(`gatewright: ${line.replaceAll(/\s*\n\s*/g, ' ')}\n`)
    process.exit(1)
  }
}
