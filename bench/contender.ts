import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findFreePort } from '../test/process/free-port.ts'

/** One server of a comparison. */
export type Contender = {
  readonly name: string
  /** In `bench/servers`. */
  readonly file: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The core that it runs on, where there are four: 1 without a word. */
  readonly core?: string
}

/** A contender that runs, in a temporary folder of its own. */
export type Running = {
  readonly name: string
  readonly pids: readonly number[]
  readonly url: string
  /** A file with a line for each caller: what its requests show. */
  readonly callers: string
  readonly stop: () => Promise<void>
}

/** One core for the server, others for the load, where there are four; a smaller machine shares. */
export const cores = availableParallelism() >= 4 ? ({ server: '1', load: '2,3' } as const) : undefined

/** The command that runs another one on these cores. */
export const pinned = (where: string | undefined, command: readonly string[]): readonly string[] =>
  where === undefined ? command : ['taskset', '-c', where, ...command]

const environment = {
  PATH: process.env.PATH ?? '',
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
} as const

export const startContender = async ({
  name,
  file,
  args = [],
  env = {},
  core = cores?.server,
}: Contender): Promise<Running> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-bench-'))
  const [command = '', ...rest] = pinned(cores && core, [
    process.execPath,
    join(import.meta.dirname, 'servers', file),
    ...args,
  ])
  const child = spawn(command, rest, {
    cwd: folder,
    env: { ...environment, PORT: String(await findFreePort()), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [first] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start`))),
  ])) as [string]
  const { url, callers } = JSON.parse(first) as { url: string; callers: readonly string[] }
  const lines = join(folder, 'lines')
  writeFileSync(lines, `${callers.join('\n')}\n`)
  return {
    name,
    pids: [child.pid ?? 0],
    url,
    callers: lines,
    stop: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const cpuTimeOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    try {
      return sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1_000
    } catch {
      // A thread that has just ended.
      return sum
    }
  }, 0)

/** Microseconds of processor time that processes have used, what the machine's host took away left out. */
export const cpuTime = (pids: readonly number[]): number => pids.map(cpuTimeOf).reduce((a, b) => a + b, 0)
