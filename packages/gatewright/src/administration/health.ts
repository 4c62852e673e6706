import type { Clock } from '../ground/clock.ts'
import { isSilent, type LiveProcess, readProcesses } from '../processes/live-process.ts'
import { countAtMost } from '../storage/count-at-most.ts'
import type { Database } from '../storage/tables.ts'

/** More is not counted: a queue that long says all there is to say. */
const most = 1_000

export type Health = {
  readonly processes: readonly (LiveProcess & { readonly silent: boolean })[]
  readonly mail: { readonly waiting: number; readonly givenUp: number; readonly oldestDueAt: number | null }
  readonly housekeeping: readonly { readonly task: string; readonly succeededAt: number | null }[]
}

const mails = (db: Database) => db.selectFrom('mails').select('id').limit(most)

/** Counts so many at most, by the index of what is due. */
const countWaiting = (db: Database): Promise<number> =>
  countAtMost(db, mails(db).where('forgotten_at', 'is', null).as('found'))

/** The same, by the index of what was given up: mail that was sent is kept for a while as well. */
const countGivenUp = (db: Database): Promise<number> =>
  countAtMost(db, mails(db).where('given_up_at', 'is not', null).as('found'))

const findOldestDue = async (db: Database): Promise<number | null> => {
  const row = await db
    .selectFrom('mails')
    .select('due_at')
    .where('forgotten_at', 'is', null)
    .orderBy('due_at')
    .limit(1)
    .executeTakeFirst()
  return row?.due_at ?? null
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
    mail: {
      waiting: await countWaiting(db),
      givenUp: await countGivenUp(db),
      oldestDueAt: await findOldestDue(db),
    },
    housekeeping: tasks.map(({ task, succeeded_at }) => ({ task, succeededAt: succeeded_at })),
  }
}
