import { hour } from '../ground/clock.ts'
import type { Work } from '../storage/transaction.ts'
import { type Figures, figureNames, toFigures } from './figures.ts'
import { minutesKeptFor } from './steps.ts'

/** How many minutes one transaction adds up at most. */
const mostAtOnce = 200

type Minute = Figures & { readonly start: number }

/** Each hour once: one statement can't add to the same row twice. The oldest first, so that all lock in one order. */
const addUp = (minutes: readonly Minute[]): readonly Minute[] => {
  const hours = new Map<number, Minute>()
  for (const each of minutes) {
    const start = each.start - (each.start % hour)
    const before = hours.get(start)
    hours.set(start, { start, ...toFigures(name => (before?.[name] ?? 0) + each[name]) })
  }
  return [...hours.values()].toSorted((a, b) => a.start - b.start)
}

const takeOld = ({ db }: Work, before: number): Promise<Minute[]> =>
  db
    .deleteFrom('statistics_minutes')
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple('process', 'batch'),
        'in',
        selectFrom('statistics_minutes')
          .select(['process', 'batch'])
          .where('start', '<', before)
          .orderBy('start')
          .limit(mostAtOnce)
          .forUpdate()
          .skipLocked()
          .$asTuple('process', 'batch'),
      ),
    )
    .returning(['start', ...figureNames])
    .execute()

/**
 * Adds minutes that nobody asks for by themselves any more to their hours, and deletes them in the same
 * transaction: each is counted once, whenever a process dies.
 */
export const foldMinutes = async (
  work: Work,
  now: number,
): Promise<{ readonly rows: number; readonly isLast: boolean }> => {
  const before = now - minutesKeptFor
  const minutes = await takeOld(work, before - (before % hour))
  const hours = addUp(minutes)
  if (hours.length > 0)
    await work.db
      .insertInto('statistics_hours')
      .values(hours)
      .onConflict(conflict =>
        conflict
          .column('start')
          .doUpdateSet(({ eb, ref }) =>
            Object.fromEntries(
              figureNames.map(name => [
                name,
                eb(ref(`statistics_hours.${name}`), '+', ref(`excluded.${name}`)),
              ]),
            ),
          ),
      )
      .execute()
  return { rows: minutes.length, isLast: minutes.length < mostAtOnce }
}
