import type { Clock } from '../ground/clock.ts'
import { mostAttempts } from '../hooks/queue.ts'
import { countAtMost } from '../storage/count-at-most.ts'
import type { Database } from '../storage/tables.ts'

/** More is not counted: a queue that long says all there is to say. */
const most = 1_000

export type QueueState = {
  readonly waiting: number
  readonly givenUp: number
  readonly oldestDueAt: number | null
}

/** What waits in the database, of all processes together. */
export type Queues = { readonly mail: QueueState; readonly hooks: QueueState }

const mails = (db: Database) => db.selectFrom('mails').select('id').limit(most)

const findOldestMail = (db: Database) =>
  db
    .selectFrom('mails')
    .select('due_at')
    .where('forgotten_at', 'is', null)
    .orderBy('due_at')
    .limit(1)
    .executeTakeFirst()

/** By the index of what is due, and by that of what was given up: mail that was sent is kept for a while as well. */
export const readMailQueue = async (db: Database): Promise<QueueState> => ({
  waiting: await countAtMost(db, mails(db).where('forgotten_at', 'is', null).as('found')),
  givenUp: await countAtMost(db, mails(db).where('given_up_at', 'is not', null).as('found')),
  oldestDueAt: (await findOldestMail(db))?.due_at ?? null,
})

/** Of the oldest so many events: one that was given up lies among them until a start tries it again. */
const readHookQueue = async (db: Database, now: number): Promise<QueueState> => {
  const rows = await db
    .selectFrom('hook_events')
    .select(['attempts', 'due_at'])
    .orderBy('id')
    .limit(most)
    .execute()
  const waiting = rows.filter(({ attempts, due_at }) => attempts < mostAttempts || due_at > now)
  const oldest = Math.min(...waiting.map(({ due_at }) => due_at))
  return {
    waiting: waiting.length,
    givenUp: rows.length - waiting.length,
    oldestDueAt: waiting.length === 0 ? null : oldest,
  }
}

/** Bounded, however much waits. */
export const readQueues = async ({
  db,
  clock,
}: {
  readonly db: Database
  readonly clock: Clock
}): Promise<Queues> => ({ mail: await readMailQueue(db), hooks: await readHookQueue(db, clock.now()) })
