import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { Agent } from 'node:http'
import type { Answer, Outgoing } from '../process/http-client.ts'
import { type Folder, type Server, type Start, startServer, toLines } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'

/** A kept-alive connection to one worker. */
export type Door = {
  readonly pid: number
  readonly call: (method: string, path: string, outgoing?: Outgoing) => Promise<Answer>
  readonly close: () => void
}

/** A server of several workers. Its `pid` is the parent's. */
export type Workers = Server & {
  /** Its log lines so far; a line that is not yet whole is left out. */
  readonly log: () => readonly Readonly<Record<string, unknown>>[]
  /** The log lines with this text. */
  readonly said: (text: string) => readonly Readonly<Record<string, unknown>>[]
  /** The processes that serve now, by their numbers. */
  readonly pids: () => readonly number[]
  readonly findPid: (answer: Answer) => Promise<number>
  /** A request over a connection of its own. */
  readonly knock: (path: string) => Promise<Answer>
  /** A connection to each of them. */
  readonly openDoors: () => Promise<readonly Door[]>
  /** Restarts all in turn, and waits until that is done. */
  readonly restart: () => Promise<void>
}

type Owner = { readonly after: (end: () => Promise<void>) => void }

/** Processes that this one has started and that have not ended. */
export const listChildren = (parent: number): readonly number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : []))

export const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const linesOf = (server: Server) => toLines(server.stdout().slice(0, server.stdout().lastIndexOf('\n') + 1))

/** Which worker gave an answer. */
const findPid = async (log: Workers['log'], { headers }: Answer): Promise<number> => {
  const id = headers['x-request-id']
  const find = () => log().find(({ request_id }) => request_id === id)
  await until('the worker logs the request', () => find() !== undefined)
  return Number(find()?.pid)
}

/** Opens connections until each of the workers has one. */
const openDoors = async (owner: Owner, workers: Workers): Promise<readonly Door[]> => {
  const doors = new Map<number, Door>()
  const isComplete = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    owner.after(async () => agent.destroy())
    const call: Door['call'] = (method, path, outgoing) => workers.call(method, path, { ...outgoing, agent })
    const pid = await workers.findPid(await call('GET', '/healthz'))
    doors.set(pid, { pid, call, close: () => agent.destroy() })
    return workers.pids().every(each => doors.has(each))
  }
  await until('every worker has a connection', isComplete)
  return workers.pids().map(pid => doors.get(pid) ?? assert.fail())
}

const restarted = 'restart: every worker was replaced'

/** Starts a server with so many workers and waits until all of them serve. */
export const startWorkers = async (
  owner: Owner,
  folder: Folder,
  count: number,
  { env = {}, ...start }: Start = {},
): Promise<Workers> => {
  const server = await startServer(folder, { ...start, env: { WORKERS: String(count), ...env } })
  const log = () => linesOf(server)
  const said = (text: string) => log().filter(({ msg }) => msg === text)
  const pids = () => {
    const ready = new Map(
      said('a worker is ready').map(line => [Number(line.worker), Number(line.worker_pid)]),
    )
    return Array.from({ length: count }, (_, index) => ready.get(index + 1) ?? 0)
  }
  const workers: Workers = {
    ...server,
    log,
    said,
    pids,
    findPid: answer => findPid(log, answer),
    knock: path => server.call('GET', path, { agent: new Agent() }),
    openDoors: () => openDoors(owner, workers),
    restart: async () => {
      const before = said(restarted).length
      server.kill('SIGUSR2')
      await until('every worker is replaced', () => said(restarted).length > before, 60_000)
    },
  }
  await until('all workers are ready', () => said('all workers are ready').length > 0, 60_000)
  return workers
}
