import { eraseOverdue, eraseSize, mayErase } from '../audit/erase-events.ts'
import { systemOrigin } from '../audit/record.ts'
import { foldMinutes } from '../statistics/fold.ts'
import type { Work } from '../storage/transaction.ts'
import { endExpiredKeys, remindOfKeys } from './api-key-tasks.ts'
import { endOverdueSessions, firstPlace } from './end-overdue-sessions.ts'
import { sweptTables } from './housekeeping-table.ts'
import { pruneAudit } from './prune-audit.ts'
import { sweep, sweepSize } from './sweep.ts'
import type { Batch, Task, TaskDependencies } from './task.ts'

const endOverdue: Task = {
  name: 'overdue_sessions',
  begin: dependencies => {
    let place = firstPlace
    return async work => {
      const { ended, next } = await endOverdueSessions(dependencies, work, place)
      // A transaction that is run again begins at the same place.
      work.afterCommit(() => {
        place = next ?? firstPlace
      })
      return { rows: ended, isLast: next === undefined }
    }
  },
}

const taskOf = (name: string, run: (dependencies: TaskDependencies, work: Work) => Promise<Batch>): Task => ({
  name,
  begin: dependencies => work => run(dependencies, work),
})

/** What is personal of counted refusals, where this role may erase. */
const eraseOld = async (dependencies: TaskDependencies, work: Work): Promise<Batch> => {
  if (!(await mayErase(work.db))) return { rows: 0, isLast: true }
  const rows = await eraseOverdue(dependencies, work, systemOrigin)
  return { rows, isLast: rows < eraseSize }
}

/** In their order: what is over by time ends before it is deleted. */
export const housekeepingTasks: readonly Task[] = [
  endOverdue,
  taskOf('expired_api_keys', endExpiredKeys),
  taskOf('api_key_reminders', remindOfKeys),
  taskOf('audit_personal', eraseOld),
  taskOf('statistics_minutes', ({ clock }, work) => foldMinutes(work, clock.now())),
  ...sweptTables.map(swept => ({
    name: swept.table,
    begin:
      ({ clock }: TaskDependencies) =>
      async (work: Work): Promise<Batch> => {
        const rows = await sweep(work, swept, clock.now())
        return { rows, isLast: rows < sweepSize }
      },
  })),
  pruneAudit,
]
