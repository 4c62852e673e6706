import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { codeOf } from '../ground/error-code.ts'
import { SettingsError } from '../ground/load-settings.ts'
import type { Settings } from '../ground/settings.ts'
import { toLoggedError } from './logged-error.ts'

type LogSettings = Pick<Settings, 'logLevel' | 'logFormat' | 'logFile'> & Partial<Pick<Settings, 'workers'>>

export type Log = {
  readonly logger: Logger
  /** Opens a log file again under its name, after something moved it away; nothing where there is no file. */
  readonly reopen: () => void
}

type SonicBoom = ReturnType<typeof destination>

/** So many bytes wait in memory while the disk is full; what comes then is lost. */
const mostWaiting = 1_048_576

/** Says on standard error when the log can't be written, once until it can be again. */
const tellOfLosses = (file: SonicBoom): void => {
  let isFailing = false
  let lost = 0
  const tellOfEnd = (): void => {
    process.stderr.write(`gatewright: the log can be written again, ${lost} lines are lost\n`)
    isFailing = false
    lost = 0
  }
  file.on('drop', () => {
    lost += 1
  })
  file.on('error', ({ message }: Error) => {
    if (isFailing) return
    isFailing = true
    process.stderr.write(`gatewright: the log can't be written: ${message}\n`)
    file.once('drain', tellOfEnd)
  })
}

const openDestination = async ({ logFormat, logFile }: LogSettings) => {
  const file = destination({
    ...(logFile === undefined ? { fd: 1 } : { dest: logFile, mkdir: true, mode: 0o640 }),
    sync: true,
    maxLength: mostWaiting,
  })
  // A full disk loses lines, and never the server.
  tellOfLosses(file)
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
  const { stream, reopen } = await openDestination(settings).catch(error => {
    throw new SettingsError([
      `LOG_FILE can not be written (${codeOf(error)}): write the path of a file in a folder that this user may write to`,
    ])
  })
  const options = {
    level: settings.logLevel,
    // One of several processes says which one it is.
    base: (settings.workers ?? 1) === 1 ? null : { pid: process.pid },
    serializers: { err: toLoggedError },
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return { logger: pino(options, stream), reopen }
}
