import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cores, cpuTime, pinned, type Running } from './contender.ts'

export type Load = {
  /** In `bench/wrk`. */
  readonly script: string
  readonly target: string
  readonly seconds: number
  readonly connections?: number
  readonly env?: Readonly<Record<string, string>>
  /** Of the load, where there are four: 2 and 3 without a word. */
  readonly core?: string
  /** False: the load runs on any core, beside servers that use all of them. */
  readonly isPinned?: boolean
}

export type Measured = {
  readonly perSecond: number
  /** Microseconds of the server's processor time for one request. */
  readonly cpu: number
  /** Milliseconds. */
  readonly p99: number
  readonly refused: number
  /** Answers by status, where the script counts them. */
  readonly codes: string
}

const run = promisify(execFile)
const units = { us: 0.001, ms: 1, s: 1_000, m: 60_000 } as const

const find = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? ''
const toMilliseconds = (text: string): number => {
  const [, number = 'NaN', unit = 'ms'] = /([\d.]+)(us|ms|s|m)/.exec(text) ?? []
  return Number(number) * units[unit as keyof typeof units]
}

/** @throws Error where there is no wrk */
const explainMissing = (error: unknown): never => {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  throw new Error('wrk makes the load and is not here: apt-get install wrk, or see github.com/wg/wrk')
}

/** A stretch of load by wrk on a server that runs. */
export const load = async (
  { pids, url, callers }: Pick<Running, 'pids' | 'url' | 'callers'>,
  { script, target, seconds, connections = 64, env = {}, isPinned = true, core = cores?.load }: Load,
): Promise<Measured> => {
  const [command = '', ...args] = pinned(isPinned && cores ? core : undefined, [
    'wrk',
    '-t2',
    `-c${connections}`,
    `-d${seconds}`,
    '--latency',
    '-s',
    join(import.meta.dirname, 'wrk', script),
    url,
  ])
  const before = cpuTime(pids)
  const { stdout } = await run(command, args, {
    env: { PATH: process.env.PATH, CALLERS: callers, TARGET: target, HOST_NAME: new URL(url).host, ...env },
  }).catch(explainMissing)
  const requests = Number(find(stdout, /(\d+) requests in/))
  return {
    perSecond: Number(find(stdout, /Requests\/sec:\s+([\d.]+)/)),
    cpu: (cpuTime(pids) - before) / requests,
    p99: toMilliseconds(find(stdout, /99%\s+(\S+)/)),
    refused: Number(find(stdout, /Non-2xx or 3xx responses: (\d+)/) || 0),
    codes: find(stdout, /^CODES (.*)$/m).replaceAll(' ', ', '),
  }
}
