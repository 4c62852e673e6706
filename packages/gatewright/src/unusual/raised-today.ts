import { day } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'
import { type Pattern, type PatternName, patternNames, patternOf } from './patterns.ts'

/** For how many users, passwords or addresses a pattern was raised within the day. */
export type RaisedOfDay = Pick<Pattern, 'severity'> & {
  readonly pattern: PatternName
  readonly count: number
  readonly lastAt: number
}

/** More are not counted. */
const most = 1_000

/** What was raised in the day before `now`, of the newest thousand; nobody is named. */
export const listRaised = async (db: Database, now: number): Promise<readonly RaisedOfDay[]> => {
  const newest = db
    .selectFrom('unusual')
    .select(['pattern', 'raised_at'])
    .where('raised_at', '>', now - day)
    .orderBy('raised_at', 'desc')
    .limit(most)
    .as('newest')
  const rows = await db
    .selectFrom(newest)
    .select(eb => ['pattern', eb.fn.countAll<number>().as('count'), eb.fn.max('raised_at').as('last_at')])
    .groupBy('pattern')
    .execute()
  return patternNames.flatMap(pattern => {
    const row = rows.find(each => each.pattern === pattern)
    if (row === undefined) return []
    const { severity } = patternOf(pattern)
    return [{ pattern, severity, count: Number(row.count), lastAt: Number(row.last_at) }]
  })
}
