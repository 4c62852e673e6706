import type { AliasedExpression } from 'kysely'
import type { Database } from './tables.ts'

/** A query of rows that itself stops at a number: more is not read, however many there are. */
export type Cut = AliasedExpression<object, 'found'>

/**
 * How many rows a query with a limit finds.
 *
 *     await countAtMost(db, db.selectFrom('mails').select('id').limit(1_000).as('found'))
 */
export const countAtMost = async (db: Database, found: Cut): Promise<number> => {
  const { count } = await db
    .selectFrom(found)
    .select(eb => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}
