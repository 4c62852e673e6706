import { Refusal } from '../ground/refusal.ts'
import type { Database, DatabaseTransaction } from './tables.ts'

/** A transaction at work, and what to do in this process once it is durable. */
export type Work = {
  readonly db: DatabaseTransaction
  readonly afterCommit: (effect: () => void) => void
}

/**
 * Runs `body` in one transaction (SQLite: begun immediate, so it holds the only write lock).
 *
 * A throw rolls back. A refusal that must leave a trace (theft, a counted attempt, an audit event) is
 * *returned*: it is committed with everything the body wrote, and thrown here afterwards.
 *
 *     await inTransaction(db, async work => {
 *       await endSession(work, id)
 *       return new Refusal('refresh_token_reused')
 *     })
 */
export const inTransaction = async <T>(
  db: Database,
  body: (work: Work) => Promise<T | Refusal>,
): Promise<T> => {
  const effects: (() => void)[] = []
  const result = await db
    .transaction()
    .execute(transaction => body({ db: transaction, afterCommit: effect => effects.push(effect) }))
  for (const effect of effects) effect()
  if (result instanceof Refusal) throw result
  return result
}
