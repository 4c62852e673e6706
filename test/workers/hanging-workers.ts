import cluster from 'node:cluster'
import { systemClock } from 'gatewright/clock'
import { pino } from 'pino'
import { openParentLink } from '../../packages/gatewright/src/workers/parent-link.ts'
import { type Supervision, supervise } from '../../packages/gatewright/src/workers/supervise.ts'

/** A program of two workers, some of which stand still: they are told by their place in the order of all starts. */
export const hangingWorkers = import.meta.filename

export type Hanging = {
  readonly limits: Supervision['limits']
  readonly atStart?: readonly number[]
  readonly atRetirement?: readonly number[]
}

/** As an endless loop does, but for the heat. It ends at last, for tests that fail. */
const standStill = (): void => {
  process.stdout.write(`${JSON.stringify({ msg: 'a worker hangs', pid: process.pid })}\n`)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
}

const work = ({ atStart = [], atRetirement = [] }: Hanging): void => {
  const parent = openParentLink()
  const { id = 0 } = cluster.worker ?? {}
  const end = (): void => process.exit(0)
  if (atStart.includes(id)) standStill()
  parent.obey({ stop: end, retire: atRetirement.includes(id) ? standStill : end, 'reopen-log': () => {} })
  parent.sayReady(1)
}

if (import.meta.main) {
  const hanging: Hanging = JSON.parse(process.argv[2] ?? '')
  const { limits } = hanging
  if (cluster.isWorker) work(hanging)
  else
    await supervise({
      count: 2,
      picksPort: false,
      log: pino(),
      reopenLog: () => {},
      clock: systemClock,
      limits,
    })
}
