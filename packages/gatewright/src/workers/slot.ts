import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, second } from '../ground/clock.ts'
import { pauseAfter } from './back-off.ts'
import type { Ending, WorkerProcess } from './worker-process.ts'

export type WorkerLog = Readonly<
  Record<'info' | 'error', (fields: Readonly<Record<string, unknown>>, message: string) => void>
>

/** A place among the workers: one process serves in it, and is replaced when it ends. */
export type Slot = {
  readonly number: number
  /** The one that serves; undefined while there is none. */
  readonly serving: () => WorkerProcess | undefined
  /** Starts the first one. Gives how it ended, where it was not ready before. */
  readonly begin: () => Promise<Ending | undefined>
  /** Where none serves, starts one, again and again until one is ready. */
  readonly fill: () => Promise<void>
  /** Starts another one; once it is ready the former one retires. False: the former one stays. */
  readonly renew: () => Promise<boolean>
}

type Dependencies = {
  readonly number: number
  readonly clock: Clock
  readonly log: WorkerLog
  readonly start: () => WorkerProcess
  readonly isStopping: () => boolean
  /** How long one may take until it is ready, in milliseconds. */
  readonly longestStart: number
  /** How long one that was replaced may take until it ends. */
  readonly longestRetirement: number
}

/** One that ends sooner than this after it was ready counts as one that did not get so far. */
const shortLife = 10 * second
/** So long a restart waits for the end of one that retires, before it goes on beside it. */
const longestWait = 10 * second

const describe = ({ code, signal }: Ending): Readonly<Record<string, unknown>> =>
  signal === null ? { exit_code: code } : { signal }

export const createSlot = (dependencies: Dependencies): Slot => {
  const { number, clock, log, start, isStopping, longestStart, longestRetirement } = dependencies
  let serving: WorkerProcess | undefined
  let failures = 0
  /** What is done in a slot is done one after the other. */
  let last: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work)
    last = done
    return done
  }

  const onEnd = (worker: WorkerProcess, readyAt: number, ending: Ending): void => {
    if (serving !== worker) return
    serving = undefined
    if (isStopping()) return
    const fields = { worker: number, worker_pid: worker.pid, ...describe(ending) }
    log.error(fields, 'a worker ended, and is replaced')
    failures = clock.monotonic() - readyAt < shortLife ? failures + 1 : 0
    void inTurn(fill)
  }

  /** A machine without memory starts nothing, and may have some later. */
  const tryStart = (): WorkerProcess | undefined => {
    try {
      return start()
    } catch (error) {
      log.error({ worker: number, err: error }, 'no process can be started')
      return undefined
    }
  }

  /** One that stands still obeys no order. While all stop, the crew sees to that. */
  const killIfLate = (worker: WorkerProcess, done: Promise<unknown>, longest: number, why: string): void => {
    const timer = setTimeout(() => {
      if (isStopping()) return
      log.error({ worker: number, worker_pid: worker.pid }, `${why}, and is killed`)
      worker.kill('SIGKILL')
    }, longest)
    void done.then(() => clearTimeout(timer))
  }

  const begin = async (): Promise<Ending | undefined> => {
    const worker = tryStart()
    if (worker === undefined) return { code: 1, signal: null }
    killIfLate(worker, worker.ready, longestStart, 'a worker was not ready in time')
    if ((await worker.ready) === undefined) return worker.ended
    serving = worker
    const readyAt = clock.monotonic()
    void worker.ended.then(ending => onEnd(worker, readyAt, ending))
    log.info({ worker: number, worker_pid: worker.pid }, 'a worker is ready')
    return undefined
  }

  const startAnother = async (): Promise<boolean> => {
    const ending = await begin()
    if (ending !== undefined && !isStopping())
      log.error({ worker: number, ...describe(ending) }, 'a worker ended before it was ready')
    return ending === undefined
  }

  const fill = async (): Promise<void> => {
    while (serving === undefined && !isStopping()) {
      // It keeps the parent alive where there is no worker to do so.
      await delay(pauseAfter(failures))
      if (!isStopping() && !(await startAnother())) failures += 1
    }
  }

  const retire = async (worker: WorkerProcess): Promise<void> => {
    worker.order({ order: 'retire' })
    killIfLate(worker, worker.ended, longestRetirement, 'a worker that was replaced did not end in time')
    await Promise.race([worker.ended, delay(longestWait)])
  }

  const renew = async (): Promise<boolean> => {
    const former = serving
    if (isStopping() || !(await startAnother())) return false
    failures = 0
    if (former !== undefined) await retire(former)
    return true
  }
  return {
    number,
    serving: () => serving,
    begin: () => inTurn(begin),
    fill: () => inTurn(fill),
    renew: () => inTurn(renew),
  }
}
