import { setTimeout as delay } from 'node:timers/promises'
import { second } from '../ground/clock.ts'
import type { Order, Report } from './messages.ts'
import { type Ending, startWorker, type WorkerProcess } from './worker-process.ts'

/** Every worker that has not ended, also those that start or retire. */
export type Crew = {
  readonly start: (worker: number) => WorkerProcess
  readonly isStopping: () => boolean
  /** Gives every one the same order. */
  readonly order: (order: Order) => void
  /** Orders every one to stop, and ends what does not. True where all of them stopped as they should. */
  readonly stop: () => Promise<boolean>
  readonly killAll: () => void
}

type Options = {
  readonly count: number
  /** The first worker finds a free port; those after it are given the same. */
  readonly picksPort: boolean
  readonly onReport: (worker: number, process: WorkerProcess, report: Report) => void
}

/** A worker promises to be done 9 s after it was told to stop. */
const longestStop = 9.5 * second

/** One that was still starting has nothing to finish, and ends by the signal. */
const isGood = ({ code, signal }: Ending): boolean => code === 0 || signal === 'SIGTERM'

const stopOne = (worker: WorkerProcess): void =>
  worker.isReady() ? worker.order({ order: 'stop' }) : worker.kill('SIGTERM')

export const createCrew = ({ count, picksPort, onReport }: Options): Crew => {
  const workers = new Set<WorkerProcess>()
  let isStopping = false
  let port: number | undefined

  const start = (number: number): WorkerProcess => {
    const env = { WORKERS: String(count), ...(port !== undefined && { PORT: String(port) }) }
    const worker = startWorker({ env, onReport: report => onReport(number, worker, report) })
    workers.add(worker)
    void worker.ended.then(() => workers.delete(worker))
    void worker.ready.then(found => {
      if (picksPort) port = found ?? port
    })
    return worker
  }
  const orderAll = (order: Order): void => {
    for (const worker of workers) worker.order(order)
  }
  const killAll = (): void => {
    for (const worker of workers) worker.kill('SIGKILL')
  }
  const stop = async (): Promise<boolean> => {
    isStopping = true
    const endings = [...workers].map(({ ended }) => ended)
    for (const worker of workers) stopOne(worker)
    await Promise.race([Promise.all(endings), delay(longestStop)])
    killAll()
    return (await Promise.all(endings)).every(isGood)
  }
  return { start, order: orderAll, stop, killAll, isStopping: () => isStopping }
}
