import { sql } from 'kysely'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database } from '../storage/tables.ts'
import { type Figures, figureNames, toFigures } from './figures.ts'
import { type Step, stepNames, steps } from './steps.ts'

/** From one moment, to another one that is not in it. */
export type AskedSeries = {
  readonly from?: number | undefined
  readonly until?: number | undefined
  readonly step?: Step | undefined
}

export type Series = {
  readonly step: Step
  /** When the first one begins, and when the last one ends. */
  readonly from: number
  readonly until: number
}

/** What was counted in the step of time that began then. */
export type Point = Figures & { readonly start: number }

const refuse = (path: string, message: string): never => {
  throw new Refusal('validation_failed', { errors: [{ path, message }] })
}

/** A time that begins within a step has one more of them. */
const isPossible = ({ step, from, until }: Series, now: number): boolean => {
  const { length, most, keptFor } = steps[step]
  return until - from <= most + length && from >= now - keptFor - length
}

const named: Readonly<Record<Step, string>> = {
  minute: '12 hours at most, of the last 24',
  hour: '31 days at most, of the last 90',
  day: 'the last 90 days at most',
}

/** What to ask instead. */
const tell = (asked: Series, now: number): string => {
  const better = stepNames.find(step => isPossible({ ...asked, step }, now))
  const instead = better === undefined ? 'ask for a shorter or later time' : `ask for step=${better}`
  return `by step=${asked.step} there are ${named[asked.step]}: ${instead}`
}

/**
 * The time that is asked for, in whole steps (UTC). Without a word, the time up to now.
 * @throws Refusal `validation_failed` where it is longer than the step allows, or no longer kept
 */
export const toSeries = ({ step = 'hour', ...asked }: AskedSeries, now: number): Series => {
  const { length, usual } = steps[step]
  const until = asked.until ?? now
  const from = asked.from ?? until - usual
  if (from >= until) return refuse('/from', 'must be before `until`')
  const series = { step, from: from - (from % length), until: Math.ceil(until / length) * length }
  return isPossible({ step, from, until }, now) ? series : refuse('/step', tell({ step, from, until }, now))
}

/** Minutes that are kept, and hours to which older ones were added: no minute is in both. */
const selectCounted = (db: Database, { from, until }: Series) => {
  const columns = ['start', ...figureNames] as const
  return db
    .selectFrom('statistics_minutes')
    .select(columns)
    .where('start', '>=', from)
    .where('start', '<', until)
    .unionAll(
      db.selectFrom('statistics_hours').select(columns).where('start', '>=', from).where('start', '<', until),
    )
}

/**
 * What all processes counted, step by step, the oldest first; one in which nothing was counted has zeros. Nobody is
 * named. What a process counted in the minute under way is not in it yet.
 */
export const readSeries = async (
  { db }: { readonly db: Database; readonly clock: Clock },
  series: Series,
): Promise<readonly Point[]> => {
  const { length } = steps[series.step]
  const begin = sql<number>`start - start % ${sql.lit(length)}`
  const rows = await db
    .selectFrom(selectCounted(db, series).as('counted'))
    .select([begin.as('begin'), ...figureNames.map(name => sql<number>`sum(${sql.ref(name)})`.as(name))])
    .groupBy(begin)
    .execute()
  const found = new Map(rows.map(row => [Number(row.begin), row as Record<string, unknown>]))
  const count = Math.max(0, Math.ceil((series.until - series.from) / length))
  return Array.from({ length: count }, (_, n) => {
    const start = series.from + n * length
    return { start, ...toFigures(name => Number(found.get(start)?.[name] ?? 0)) }
  })
}
