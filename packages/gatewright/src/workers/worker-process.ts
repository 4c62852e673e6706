import cluster, { type Worker } from 'node:cluster'
import type { Order, Report } from './messages.ts'

export type Ending = { readonly code: number | null; readonly signal: string | null }

/** A worker as its parent sees it. */
export type WorkerProcess = {
  readonly pid: number
  /** The port that it listens on; undefined where it ended before it was ready. */
  readonly ready: Promise<number | undefined>
  readonly isReady: () => boolean
  readonly ended: Promise<Ending>
  /** Nothing happens where it has ended. */
  readonly order: (order: Order) => void
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => void
}

type Start = {
  /** What is set in its environment beside ours. */
  readonly env: Readonly<Record<string, string>>
  readonly onReport: (report: Report) => void
}

const endOf = (worker: Worker): Promise<Ending> =>
  new Promise(resolve => {
    worker.once('exit', (code: number | null, signal: string | null) => resolve({ code, signal }))
    // A process that could not be made has no end of its own.
    if (worker.process.pid === undefined) worker.once('error', () => resolve({ code: 1, signal: null }))
  })

const readinessOf = (worker: Worker, ended: Promise<Ending>): Promise<number | undefined> =>
  new Promise(resolve => {
    void ended.then(() => resolve(undefined))
    worker.on('message', (message: Report) => {
      if (message.report === 'ready') resolve(message.port)
    })
  })

/** Starts this program once more, as one of the processes that share its ports. */
export const startWorker = ({ env, onReport }: Start): WorkerProcess => {
  // Connections are handed out in turn, whatever NODE_CLUSTER_SCHED_POLICY says.
  cluster.schedulingPolicy = cluster.SCHED_RR
  const worker = cluster.fork(env)
  // A message to one that is ending fails, and nobody needs it any more.
  worker.on('error', () => {})
  worker.on('message', onReport)
  let isReady = false
  const ended = endOf(worker)
  const ready = readinessOf(worker, ended)
  void ready.then(port => {
    isReady = port !== undefined
  })
  return {
    pid: worker.process.pid ?? 0,
    ready,
    isReady: () => isReady,
    ended,
    order: order => void (worker.isConnected() && worker.send(order)),
    kill: signal => void worker.process.kill(signal),
  }
}
