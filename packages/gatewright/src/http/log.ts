import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type { Settings } from '../ground/settings.ts'

type LogSettings = Pick<Settings, 'logLevel' | 'logFormat' | 'logFile'>

export type Log = {
  readonly logger: Logger
  /** Opens a log file again under its name, after something moved it away; nothing where there is no file. */
  readonly reopen: () => void
}

const openDestination = async ({ logFormat, logFile }: LogSettings) => {
  const file = destination({
    ...(logFile === undefined ? { fd: 1 } : { dest: logFile, mkdir: true }),
    sync: true,
  })
  if (logFile !== undefined) return { stream: file, reopen: () => file.reopen() }
  const reopen = (): void => {}
  if (logFormat === 'json') return { stream: file, reopen }
  const { default: pretty } = await import('pino-pretty')
  const stream: DestinationStream = pretty({
    destination: file,
    sync: true,
    ignore: 'pid,hostname',
    singleLine: true,
  })
  return { stream, reopen }
}

/** Where log lines go. They hold chosen fields only, so there is nothing to redact. */
export const openLog = async (settings: LogSettings): Promise<Log> => {
  const { stream, reopen } = await openDestination(settings)
  const options = {
    level: settings.logLevel,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return { logger: pino(options, stream), reopen }
}
