import type { Clock } from '../ground/clock.ts'
import { isSilent, type LiveProcess, readProcesses } from '../processes/live-process.ts'
import type { Database } from '../storage/tables.ts'
import { listRaised, type RaisedOfDay } from '../unusual/raised-today.ts'
import { type QueueState, readMailQueue } from './queues.ts'

export type Health = {
  readonly processes: readonly (LiveProcess & { readonly silent: boolean })[]
  readonly mail: QueueState
  readonly unusual: readonly RaisedOfDay[]
  readonly housekeeping: readonly { readonly task: string; readonly succeededAt: number | null }[]
}

/** What the database knows of how the processes are. Bounded, however much waits. */
export const readHealth = async ({
  db,
  clock,
}: {
  readonly db: Database
  readonly clock: Clock
}): Promise<Health> => {
  const processes = await readProcesses(db)
  const tasks = await db.selectFrom('housekeeping').select(['task', 'succeeded_at']).orderBy('task').execute()
  return {
    processes: processes.map(process => ({ ...process, silent: isSilent(process, clock.now()) })),
    mail: await readMailQueue(db),
    unusual: await listRaised(db, clock.now()),
    housekeeping: tasks.map(({ task, succeeded_at }) => ({ task, succeededAt: succeeded_at })),
  }
}
