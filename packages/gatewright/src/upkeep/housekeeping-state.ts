import type { Kysely } from 'kysely'
import type { Database, HousekeepingRow } from '../storage/tables.ts'
import { readRecord } from './housekeeping-record.ts'
import { housekeepingTable, type KeptTable, type SweptTable } from './housekeeping-table.ts'

/** Columns are named by a row of data, which was checked where it was written. */
type AnyTables = Record<string, Record<string, number | string | null>>
type AnyRow = {
  readonly table: string
  readonly time?: string
  readonly only?: string
  readonly keptFor?: number
  readonly ticks?: number
}

export type TableAge = {
  readonly table: string
  /** The time by which its oldest row is kept, in milliseconds since 1970; it may be one to come. */
  readonly oldest: number
  /** For how many milliseconds that row could have been deleted; undefined where none ever is. */
  readonly overdue: number | undefined
}

const findOldest = async (
  db: Database,
  { table, time, only, ticks = 1 }: AnyRow,
): Promise<number | undefined> => {
  if (time === undefined) return undefined
  const row = await (db as unknown as Kysely<AnyTables>)
    .selectFrom(table)
    .select(time)
    .where(only ?? time, 'is not', null)
    .orderBy(time)
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? undefined : Number(row[time]) / ticks
}

/** The age of every table that has a row with a time. Each is one look into an index, or into a few rows. */
const listTableAges = async (db: Database, now: number): Promise<readonly TableAge[]> => {
  const ages: TableAge[] = []
  for (const row of housekeepingTable as readonly (KeptTable | SweptTable)[]) {
    const { table, keptFor }: AnyRow = row
    const oldest = await findOldest(db, row)
    if (oldest === undefined) continue
    const overdue = keptFor === undefined ? undefined : Math.max(0, now - keptFor - oldest)
    ages.push({ table, oldest, overdue })
  }
  return ages
}

export type HousekeepingState = {
  readonly tasks: readonly HousekeepingRow[]
  readonly ages: readonly TableAge[]
}

export const readHousekeeping = async (db: Database, now: number): Promise<HousekeepingState> => ({
  tasks: [...(await readRecord(db)).values()],
  ages: await listTableAges(db, now),
})
