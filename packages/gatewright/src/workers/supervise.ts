import type { Clock } from '../ground/clock.ts'
import { endOnUncaught, type LastResortLog } from '../ground/last-resort.ts'
import { type Crew, createCrew } from './crew.ts'
import type { Report } from './messages.ts'
import { createRelay, type Relay } from './relay.ts'
import { createSlot, type Slot, type WorkerLog } from './slot.ts'
import { onStopSignal } from './stop-signal.ts'
import type { Ending, WorkerProcess } from './worker-process.ts'

export type Supervision = {
  readonly count: number
  /** The first worker finds a free port, which the others then share. */
  readonly picksPort: boolean
  readonly log: WorkerLog & LastResortLog
  /** Opens a log file again under its name. */
  readonly reopenLog: () => void
  readonly clock: Clock
  /** Milliseconds from the start of a worker until it is ready, and from its order to retire to its end. */
  readonly limits: Readonly<Record<'firstStart' | 'start' | 'retirement', number>>
}

const handOn = (relay: Relay, worker: number, process: WorkerProcess, report: Report): void => {
  if (report.report === 'question') void relay.ask(process, report.question)
  else if (report.report === 'measured') relay.note(worker, report)
}

/** One after the other, and no further than the first whose new worker does not start. */
const restartInTurn = async (slots: readonly Slot[], log: WorkerLog): Promise<void> => {
  log.info({}, 'restart: each worker is replaced in turn')
  for (const slot of slots)
    if (!(await slot.renew())) {
      log.error(
        { worker: slot.number },
        'restart: given up, for the new worker did not start; the former ones stay',
      )
      return
    }
  log.info({}, 'restart: every worker was replaced')
}

/** As the worker ended, which has said why; unless something else ended it. */
const giveUp = ({ code, signal }: Ending, log: WorkerLog): never => {
  if (signal !== null) log.error({ signal }, 'the first worker was ended before it was ready')
  process.exit(code ?? 1)
}

/** The first one alone, for it makes what there is to make; then all others at once. */
const begin = async ([first, ...others]: readonly Slot[], crew: Crew, log: WorkerLog): Promise<void> => {
  const failure = await first?.begin()
  if (failure !== undefined && !crew.isStopping()) giveUp(failure, log)
  await Promise.all(others.map(slot => slot.fill()))
  if (!crew.isStopping()) log.info({ workers: others.length + 1 }, 'all workers are ready')
}

const stopOnSignal = (crew: Crew, log: WorkerLog, clock: Clock): void =>
  onStopSignal(clock, {
    stop: async signal => {
      log.info({}, `${signal}: the workers finish what is in flight`)
      process.exit((await crew.stop()) ? 0 : 1)
    },
    stopNow: () => {
      crew.killAll()
      process.exit(1)
    },
  })

/**
 * Starts this program as so many workers that share its port, and replaces each that ends, until it is told to
 * stop. This process opens no database, reads no request and derives nothing from a secret. The first worker
 * starts alone, so what a start does once is done by it; where it can't start, this process ends as it did.
 *
 * SIGTERM and SIGINT stop all, SIGUSR2 restarts all in turn, SIGHUP opens log files again.
 */
export const supervise = async (supervision: Supervision): Promise<void> => {
  const { count, picksPort, log, reopenLog, clock, limits } = supervision
  const serving = () =>
    slots.flatMap(slot => {
      const process = slot.serving()
      return process === undefined ? [] : [{ number: slot.number, process }]
    })
  const relay = createRelay(serving)
  const crew = createCrew({
    count,
    picksPort,
    onReport: (worker, process, report) => handOn(relay, worker, process, report),
  })
  const slots = Array.from({ length: count }, (_, index) =>
    createSlot({
      number: index + 1,
      clock,
      log,
      start: () => crew.start(index + 1),
      isStopping: crew.isStopping,
      // It starts alone, and is replaced before the others: what there is to migrate is migrated by it.
      longestStart: index === 0 ? limits.firstStart : limits.start,
      longestRetirement: limits.retirement,
    }),
  )
  stopOnSignal(crew, log, clock)
  endOnUncaught({ log, end: () => void crew.stop().finally(() => process.exit(1)) })
  process.on('SIGHUP', () => {
    reopenLog()
    crew.order({ order: 'reopen-log' })
  })

  let last = begin(slots, crew, log)
  process.on('SIGUSR2', () => {
    last = last.then(() => restartInTurn(slots, log))
  })
  await last
}
