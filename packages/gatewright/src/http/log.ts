import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type { Settings } from '../ground/settings.ts'
import { toLoggedError } from './logged-error.ts'

type LogSettings = Pick<Settings, 'logLevel' | 'logFormat' | 'logFile'> & Partial<Pick<Settings, 'workers'>>

export type Log = {
  readonly logger: Logger
  /** Opens a log file again under its name, after something moved it away; nothing where there is no file. */
  readonly reopen: () => void
}

/** Says once on standard error that lines are being lost. */
const createComplaint = () => {
  let said = false
  return (error: Error): void => {
    if (!said)
      process.stderr.write(`gatewright: the log can't be written, lines are lost: ${error.message}\n`)
    said = true
  }
}

const openDestination = async ({ logFormat, logFile }: LogSettings) => {
  const file = destination({
    ...(logFile === undefined ? { fd: 1 } : { dest: logFile, mkdir: true, mode: 0o640 }),
    sync: true,
  })
  // A full disk loses lines, and never the server.
  file.on('error', createComplaint())
  if (logFile !== undefined) return { stream: file, reopen: () => file.reopen() }
  const reopen = (): void => {}
  if (logFormat === 'json') return { stream: file, reopen }
  const { default: pretty } = await import('pino-pretty')
  const stream: DestinationStream = pretty({
    destination: file,
    sync: true,
    singleLine: true,
  })
  return { stream, reopen }
}

/** Where log lines go. They hold chosen fields only, so there is nothing to redact. */
export const openLog = async (settings: LogSettings): Promise<Log> => {
  const { stream, reopen } = await openDestination(settings)
  const options = {
    level: settings.logLevel,
    // One of several processes says which one it is.
    base: (settings.workers ?? 1) === 1 ? null : { pid: process.pid },
    serializers: { err: toLoggedError },
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return { logger: pino(options, stream), reopen }
}
