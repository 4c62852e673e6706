import { type Folder, newFolder, type Program, toLines } from '../process/spawned-server.ts'
import { until, within } from '../process/until.ts'
import { isRunning, listChildren, startWorkers, type Workers } from '../workers/start-workers.ts'

type Owner = { readonly after: (end: () => Promise<void>) => void }

/** A server of two workers in a folder of its own, as a machine of its own would run it, on a port that stays. */
export type Node = {
  readonly name: string
  readonly port: number
  /** The processes that serve, or end. */
  readonly workerPids: () => readonly number[]
  readonly parentPid: () => number
  readonly start: () => Promise<void>
  /** Ends it as a deployment does: what is in flight finishes. */
  readonly stop: () => Promise<void>
  /** Parent and workers, at the same moment. */
  readonly kill: () => Promise<void>
  readonly restartWorkers: () => Promise<void>
  /** All its workers serve. */
  readonly untilWhole: () => Promise<void>
  /** Whether one of its processes has logged this since then, by `Date.now()`. */
  readonly hasSaid: (text: string, since: number) => boolean
  /** What it has said of trouble, by warnings and errors, in all its lives. */
  readonly troubles: () => readonly string[]
}

const workersOfEach = 2
const longestStop = 30_000

export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It has just ended by itself.
  }
}

const toTrouble = ({ msg, err }: Readonly<Record<string, unknown>>): string => {
  const why = (err as { readonly message?: string } | undefined)?.message
  return why === undefined ? String(msg) : `${msg}: ${why.slice(0, 80)}`
}

const readTroubles = ({ stdout, stderr }: Program): readonly string[] => {
  const whole = stdout().slice(0, stdout().lastIndexOf('\n') + 1)
  const lines = toLines(whole).filter(({ level }) => level === 'warn' || level === 'error')
  return [...lines.map(toTrouble), ...stderr().split('\n').filter(Boolean)]
}

export const createNode = (
  owner: Owner,
  { name, port, env }: { readonly name: string; readonly port: number; readonly env: Record<string, string> },
): Node => {
  const folder: Folder = newFolder(owner)
  const endings: string[] = []
  let workers: Workers | undefined
  const running = (): Workers => {
    if (workers === undefined) throw new Error(`${name} does not run`)
    return workers
  }
  const workerPids = () => listChildren(running().pid)
  // Whatever ends this process: nobody is left behind.
  process.once('exit', () => {
    for (const { pid } of folder.programs)
      for (const each of [...listChildren(pid), pid]) signal(each, 'SIGKILL')
  })
  return {
    name,
    port,
    workerPids,
    parentPid: () => running().pid,
    start: async () => {
      workers = await startWorkers(owner, folder, workersOfEach, { env: { ...env, PORT: `${port}` } })
    },
    stop: async () => {
      running().kill('SIGTERM')
      const { code, signal: by } = await within(longestStop, `${name} ends after SIGTERM`, running().ended)
      if (code !== 0) endings.push(`after SIGTERM it ended with ${code ?? by}`)
    },
    kill: async () => {
      const pids = [running().pid, ...workerPids()]
      for (const pid of pids) signal(pid, 'SIGKILL')
      await running().ended
      await until(`${name} has ended`, () => !pids.some(isRunning))
    },
    restartWorkers: () => running().restart(),
    untilWhole: async () => {
      const isWhole = () => {
        const live = workerPids()
        return (
          new Set(
            running()
              .pids()
              .filter(pid => live.includes(pid)),
          ).size === workersOfEach
        )
      }
      await until(`${name} has all its workers`, isWhole, 60_000)
    },
    hasSaid: (text, since) =>
      running()
        .said(text)
        .some(({ time }) => Number(time) >= since),
    troubles: () => [...endings, ...folder.programs.flatMap(readTroubles)],
  }
}
