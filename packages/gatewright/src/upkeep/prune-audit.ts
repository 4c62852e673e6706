import { systemOrigin as origin } from '../audit/record.ts'
import { day } from '../ground/clock.ts'
import { deletePruned, mayPrune, readOverdue, recordPruning } from '../sealing/prune.ts'
import type { Work } from '../storage/transaction.ts'
import type { Batch, Task, TaskDependencies } from './task.ts'

/** A pruning a day is enough: each is an event, and a checkpoint. */
const interval = day

const pruneBatchOf = async (dependencies: TaskDependencies, work: Work): Promise<Batch> => {
  const before = dependencies.clock.now() - dependencies.settings.auditRetention
  const rows = await deletePruned(work, before)
  if (rows > 0) return { rows, isLast: false }
  if ((await readOverdue(work.db, before)) < interval) return { rows, isLast: true }
  const to = await recordPruning(dependencies, work, { before, origin })
  return { rows, isLast: to === undefined }
}

/** Deletes what was recorded longer ago than AUDIT_RETENTION, where the server's role may: else `audit prune` does it. */
export const pruneAudit: Task = {
  name: 'audit_events',
  begin: dependencies => {
    let may: boolean | undefined
    return async work => {
      may ??= await mayPrune(work.db)
      return may ? pruneBatchOf(dependencies, work) : { rows: 0, isLast: true }
    }
  },
}
