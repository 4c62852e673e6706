import type { ExpressionBuilder } from 'kysely'
import { hour, minute, second } from '../ground/clock.ts'
import { jitter, type Random } from '../ground/random.ts'
import type { Database, HookEventRow, Tables } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { HookName } from './events.ts'

/** How long a taken event is its taker's; then it is delivered again, for the taker may be dead. */
export const lease = minute
/** After so many attempts, about half a day of them, an event is a dead letter. */
export const mostAttempts = 24
const firstPause = second
const longestPause = hour

/** Half to all of a pause that doubles with every attempt, in milliseconds. */
export const backOff = (random: Random, attempts: number): number => {
  const pause = Math.min(longestPause, firstPause * 2 ** (attempts - 1))
  return jitter(random, pause)
}

const isAlive = (now: number) => (eb: ExpressionBuilder<{ e: Tables['hook_events'] }, 'e'>) =>
  eb.or([eb('e.attempts', '<', mostAttempts), eb('e.due_at', '>', now)])

/** What may be taken now, of these names: of each user the oldest event only, so that order is kept. */
const listDue = (db: Database, names: readonly HookName[], now: number, most: number) =>
  db
    .selectFrom('hook_events')
    .selectAll()
    .where('name', 'in', names)
    .where('due_at', '<=', now)
    .where('attempts', '<', mostAttempts)
    .where(eb =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('hook_events as e')
            .select('e.id')
            .whereRef('e.user_id', '=', 'hook_events.user_id')
            .whereRef('e.id', '<', 'hook_events.id')
            .where('e.name', 'in', names)
            .where(isAlive(now)),
        ),
      ),
    )
    .orderBy('id')
    .limit(most)
    .execute()

/** A compare-and-set: of several processes that saw the row as due, one gets it. */
const claim = (db: Database, { id, attempts, due_at }: HookEventRow, now: number) =>
  db
    .updateTable('hook_events')
    .set({ attempts: attempts + 1, due_at: now + lease })
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .where('due_at', '=', due_at)
    .returningAll()
    .executeTakeFirst()

/** More rows are looked at than taken, because other processes take from the same end. */
const spare = 16

/** Takes at most so many events that are due, each for the length of a lease. */
export const claimDue = async (
  db: Database,
  { names, now, most }: { readonly names: readonly HookName[]; readonly now: number; readonly most: number },
): Promise<readonly HookEventRow[]> => {
  const claimed: HookEventRow[] = []
  for (const row of await listDue(db, names, now, most + spare)) {
    if (claimed.length === most) break
    const won = await claim(db, row, now)
    if (won !== undefined) claimed.push(won)
  }
  return claimed
}

type Taken = Pick<HookEventRow, 'id' | 'attempts'>

/** Takes a handled event out of the queue, unless it has been delivered again meanwhile. */
export const finish = async (db: Database, { id, attempts }: Taken): Promise<void> => {
  await db.deleteFrom('hook_events').where('id', '=', id).where('attempts', '=', attempts).execute()
}

/** Gives a failed event back, to be taken at `dueAt`. */
export const giveBack = async (db: Database, { id, attempts }: Taken, dueAt: number): Promise<void> => {
  await db
    .updateTable('hook_events')
    .set({ due_at: dueAt })
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .execute()
}

/**
 * Says for which hooks events are queued from now on, and gives their dead letters new attempts. What
 * waits for a hook that is no longer declared is dropped.
 */
export const declareHooks = (db: Database, names: readonly HookName[], now: number): Promise<void> =>
  inTransaction(db, async ({ db: transaction }) => {
    for (const table of ['declared_hooks', 'hook_events'] as const)
      await transaction
        .deleteFrom(table)
        .$if(names.length > 0, query => query.where('name', 'not in', names))
        .execute()
    if (names.length === 0) return
    await transaction
      .insertInto('declared_hooks')
      .values(names.map(name => ({ name })))
      .onConflict(conflict => conflict.column('name').doNothing())
      .execute()
    await transaction
      .updateTable('hook_events')
      .set({ attempts: 0 })
      .where('name', 'in', names)
      .where('attempts', '>=', mostAttempts)
      .where('due_at', '<=', now)
      .execute()
  })
