import { hour } from '../ground/clock.ts'
import type { Database, HousekeepingRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { housekeepingTasks } from './housekeeping-tasks.ts'
import type { Batch, Task } from './task.ts'

/** How long after a task was done it is due again, in whichever process. */
const runInterval = hour

/** Writes down a batch in its own transaction, so that what is counted was done, and nothing twice. */
export const recordBatch = async (
  { db }: Work,
  { name }: Task,
  { rows, isLast }: Batch,
  now: number,
): Promise<void> => {
  const done = { ran_at: now, ...(isLast && { succeeded_at: now }) }
  await db
    .insertInto('housekeeping')
    .values({ task: name, succeeded_at: null, ...done, worked_off: rows })
    .onConflict(conflict =>
      conflict
        .column('task')
        .doUpdateSet(eb => ({ ...done, worked_off: eb('housekeeping.worked_off', '+', rows) })),
    )
    .execute()
}

/** The last run of each task that was ever begun, by its name. */
export const readRecord = async (db: Database): Promise<ReadonlyMap<string, HousekeepingRow>> => {
  const rows = await db.selectFrom('housekeeping').selectAll().execute()
  return new Map(rows.map(row => [row.task, row]))
}

/** One that was not done to its end is due at once; so is one of a time to come, for a clock was wrong. */
const isDue = (row: HousekeepingRow | undefined, now: number): boolean => {
  const done = row?.succeeded_at ?? undefined
  return done === undefined || done > now || done + runInterval <= now
}

export const listDueTasks = async (db: Database, now: number): Promise<readonly Task[]> => {
  const record = await readRecord(db)
  return housekeepingTasks.filter(({ name }) => isDue(record.get(name), now))
}
