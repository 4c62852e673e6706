import { Refusal } from '../ground/refusal.ts'
import { isRerun } from './postgres-failure.ts'
import { findShortWay, type ShortWay } from './short-way.ts'
import type { Database, DatabaseTransaction } from './tables.ts'

/**
 * What a transaction locks, in the order in which every transaction does: of two that lock in another order
 * each may wait for the other.
 */
const lockOrder = ['installation', 'user'] as const
type Locked = (typeof lockOrder)[number]

/** A transaction at work. */
export type Work = {
  readonly db: DatabaseTransaction
  /** The database that it is a transaction of, by which a process knows what it counts of it. */
  readonly home: Database
  /** Takes what to do once it is durable. Not durable itself: a process that ends in between has not done it. */
  readonly afterCommit: (effect: () => void) => void
  /** To be called before such a row is locked. @throws TypeError where one that comes later in the order is held */
  readonly beforeLock: (row: Locked) => void
}

const createBeforeLock = (): Work['beforeLock'] => {
  const held = new Set<Locked>()
  return row => {
    const later = lockOrder.slice(lockOrder.indexOf(row) + 1).find(other => held.has(other))
    if (later !== undefined && !held.has(row))
      throw new TypeError(`the ${row}'s row is locked before a ${later}'s`)
    held.add(row)
  }
}

/** How often a transaction is begun again that could not go on beside another one. */
const attempts = 4

type Body<T> = (work: Work) => Promise<T | Refusal>

const throughKysely =
  (db: Database): NonNullable<ShortWay['transact']> =>
  body =>
    db.transaction().execute(body)

/** Begins until one run of `body` is committed; gives what that run made, and what it left to do. */
const commit = async <T>(db: Database, body: Body<T>) => {
  for (let attempt = 1; ; attempt++) {
    const effects: (() => void)[] = []
    try {
      const transact = findShortWay(db)?.transact ?? throughKysely(db)
      const result = await transact(transaction =>
        body({
          db: transaction,
          home: db,
          afterCommit: effect => effects.push(effect),
          beforeLock: createBeforeLock(),
        }),
      )
      return { result, effects }
    } catch (error) {
      if (attempt === attempts || !isRerun(error)) throw error
    }
  }
}

/**
 * Runs `body` in one transaction. SQLite: begun immediate, so it holds the only write lock. PostgreSQL: at
 * read committed, so `body` locks what it judges; of two that lock in another order one runs again, so
 * what `body` does outside the database stands in `work.afterCommit`, which is run once.
 *
 * A throw rolls back. A refusal that must leave a trace (theft, a counted attempt, an audit event) is
 * *returned*: it is committed with everything the body wrote, and thrown here afterwards.
 *
 *     await inTransaction(db, async work => {
 *       await endSession(work, id)
 *       return new Refusal('refresh_token_reused')
 *     })
 */
export const inTransaction = async <T>(db: Database, body: Body<T>): Promise<T> => {
  const { result, effects } = await commit(db, body)
  for (const effect of effects) effect()
  if (result instanceof Refusal) throw result
  return result
}
