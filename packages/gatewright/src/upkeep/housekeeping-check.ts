import { day, toTimestamp } from '../ground/clock.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, warning } from './finding.ts'
import { type HousekeepingState, readHousekeeping, type TableAge } from './housekeeping-state.ts'
import { housekeepingTasks } from './housekeeping-tasks.ts'

/** Runs are an hour apart; a day without one is no chance. */
const tooLong = day

const showAges = (ages: readonly TableAge[]): string =>
  ages.map(({ table, oldest }) => `${table} ${toTimestamp(oldest)}`).join(', ') || 'none'

/** When the task was done that has waited for longest; undefined where one never was. */
const findLast = ({ tasks }: HousekeepingState): number | undefined => {
  const done = housekeepingTasks.map(({ name }) => tasks.find(({ task }) => task === name)?.succeeded_at)
  return done.every(at => at != null) ? Math.min(...done.map(Number)) : undefined
}

const findStart = async ({ db }: Pick<DatabaseFacts, 'db'>): Promise<number> =>
  (await db.selectFrom('installation').select('created_at').executeTakeFirst())?.created_at ??
  Number.POSITIVE_INFINITY

/** Whether what no longer matters is deleted, and the oldest row of each table. */
export const checkHousekeeping = async (facts: Pick<DatabaseFacts, 'db' | 'clock'>): Promise<Finding> => {
  const now = facts.clock.now()
  const state = await readHousekeeping(facts.db, now)
  const last = findLast(state)
  const found = `last done ${last === undefined ? 'never' : toTimestamp(last)}; oldest rows: ${showAges(state.ages)}`
  if (now - (last ?? (await findStart(facts))) > tooLong)
    return warning({
      found,
      means: 'No server runs for long enough to do it, or it fails: the tables grow.',
      do: 'Let a server run for two minutes; if that changes nothing, its log names the task and the error.',
    })
  const late = state.ages.filter(({ overdue }) => (overdue ?? 0) > tooLong)
  if (late.length === 0) return ok(found)
  return warning({
    found,
    means: `Rows of ${late.map(({ table }) => table).join(', ')} are there for more than a day too long: more comes than is deleted, or somebody holds a lock on them.`,
    do: 'Look for transactions that never end; else wait, a backlog is worked off hour by hour.',
  })
}
