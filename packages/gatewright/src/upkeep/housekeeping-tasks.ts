import type { SessionDependencies } from '../sessions/sessions.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { endOverdueSessions, firstPlace } from './end-overdue-sessions.ts'
import { sweptTables } from './housekeeping-table.ts'
import { sweep, sweepSize } from './sweep.ts'

export type TaskDependencies = SessionDependencies & { readonly db: Database }

/** What one transaction has worked off, and whether nothing is left behind it. */
export type Batch = { readonly rows: number; readonly isLast: boolean }

/** A work that is done in batches, each in a transaction of its own. */
export type Task = {
  readonly name: string
  readonly begin: (dependencies: TaskDependencies) => (work: Work) => Promise<Batch>
}

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

/** In their order: what is over by time ends before it is deleted. */
export const housekeepingTasks: readonly Task[] = [
  endOverdue,
  ...sweptTables.map(swept => ({
    name: swept.table,
    begin:
      ({ clock }: TaskDependencies) =>
      async (work: Work): Promise<Batch> => {
        const rows = await sweep(work, swept, clock.now())
        return { rows, isLast: rows < sweepSize }
      },
  })),
]
