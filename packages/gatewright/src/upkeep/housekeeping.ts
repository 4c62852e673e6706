import { minute, second } from '../ground/clock.ts'
import { jitter, type Random } from '../ground/random.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import { inTransaction } from '../storage/transaction.ts'
import { watchClock } from './clock-watch.ts'
import { listDueTasks, recordBatch } from './housekeeping-record.ts'
import { createLease } from './lease.ts'
import type { Batch, Task, TaskDependencies } from './task.ts'

/** Each process looks after half to all of this whether something is due. */
const lookInterval = minute
/** After a batch it rests at least so long, and so many times as long as the batch took: it has a tenth of the time. */
const shortestRest = 20
const restShare = 9
/** How long closing waits for the batch under way. */
const longestStop = 5 * second

export type HousekeepingLog = {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

export type Housekeeping = {
  /** Looks from now on, again and again. A process that does not call it, as a command line, does nothing. */
  readonly start: (log: HousekeepingLog) => void
  /**
   * One look: does what is due where no other process is at it.
   * @returns whether something was due and all of it was done
   */
  readonly look: () => Promise<boolean>
  /** Ends after the batch under way, and for good. */
  readonly stop: () => Promise<void>
}

type Dependencies = TaskDependencies & { readonly random: Random }

/**
 * Deletes what no longer matters, and ends what is over by time: one process at a time, in short
 * transactions of few rows, with rests between in which requests have the database to themselves.
 * What it does stands in `housekeepingTasks`.
 */
export const createHousekeeping = (dependencies: Dependencies): Housekeeping => {
  const { db, clock, random } = dependencies
  const lease = createLease(dependencies, 'housekeeping')
  const isClockBelieved = watchClock(clock)
  let log: HousekeepingLog = { warn: () => {} }
  let isStopped = false
  let looking: Promise<boolean> | undefined
  let timer: NodeJS.Timeout | undefined

  /** Undefined where another process has taken over meanwhile, or the clock is not to be believed. */
  const runBatch = (task: Task, run: ReturnType<Task['begin']>): Promise<Batch | undefined> =>
    inTransaction(db, async work => {
      // The clock is asked last: whatever had to be waited for, it may have jumped meanwhile.
      if (!(await lease.hold(work)) || !isClockBelieved()) return undefined
      const batch = await run(work)
      await recordBatch(work, task, batch, clock.now())
      return batch
    })

  /** False where it was broken off. */
  const runTask = async (task: Task): Promise<boolean> => {
    const run = task.begin(dependencies)
    while (!isStopped) {
      const begun = clock.monotonic()
      const batch = await runBatch(task, run)
      if (batch === undefined || batch.isLast) return batch !== undefined
      await clock.sleep(Math.max(shortestRest, restShare * (clock.monotonic() - begun)))
    }
    return false
  }

  /** A task that fails does not keep the others from being done; it is tried again at the next look. */
  const tryTask = (task: Task): Promise<boolean> =>
    runTask(task).catch(error => {
      log.warn({ err: error, task: task.name }, 'a task of housekeeping failed; it is tried again')
      return false
    })

  const lookOnce = async (): Promise<boolean> => {
    let due: readonly Task[] = []
    const isWanted = async (): Promise<boolean> => {
      due = await listDueTasks(db, clock.now())
      return due.length > 0
    }
    if (!isClockBelieved() || isStopped || !(await lease.take(isWanted))) return false
    let isDone = true
    for (const task of due) isDone = (await tryTask(task)) && isDone
    await lease.release()
    return isDone
  }

  const look = (): Promise<boolean> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined
    })
    return looking
  }

  const lookAgain = (): void => {
    timer = setTimeout(
      async () => {
        await look().catch(error => log.warn({ err: error }, 'housekeeping could not look what is due'))
        if (!isStopped) lookAgain()
      },
      jitter(random, lookInterval),
    ).unref()
  }

  return {
    start: logger => {
      log = logger
      if (!isStopped) lookAgain()
    },
    look,
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await waitAtMost(
        longestStop,
        looking?.catch(() => {}),
      )
    },
  }
}
