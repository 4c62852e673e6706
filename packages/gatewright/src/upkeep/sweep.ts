import { type Kysely, sql } from 'kysely'
import type { Work } from '../storage/transaction.ts'
import type { SweptTable } from './housekeeping-table.ts'

/** Table and columns are named by a row of data, which was checked where it was written: no type follows it here. */
type AnyTables = Record<string, Record<string, string | number | null>>
type AnySwept = Pick<SweptTable, 'keptFor' | 'ticks'> & {
  readonly table: string
  readonly key: readonly string[]
  readonly time: string
  readonly only?: string
}

/** How many rows one transaction deletes at most. */
export const sweepSize = 200

/**
 * Deletes rows past their time, the oldest first, `sweepSize` of them at most. One that somebody else has
 * locked is passed over, so nobody waits; the next run finds it.
 * @returns how many
 */
export const sweep = async (work: Work, swept: SweptTable, now: number): Promise<number> => {
  const { table, key, time, only = time, keptFor, ticks = 1 }: AnySwept = swept
  const db = work.db as unknown as Kysely<AnyTables>
  const past = db
    .selectFrom(table)
    .select([...key])
    .where(time, '<=', (now - keptFor) * ticks)
    .where(only, 'is not', null)
    .orderBy(time)
    .limit(sweepSize)
    .forUpdate()
    .skipLocked()
  const { numDeletedRows } = await db
    .deleteFrom(table)
    .where(sql<boolean>`(${sql.join(key.map(name => sql.ref(name)))}) in ${past}`)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
