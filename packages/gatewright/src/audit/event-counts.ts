import type { Database } from '../storage/tables.ts'

/** So many names are told apart; an application that makes up more has the rest counted as one. */
const mostNames = 400
const others = 'other'

const counts = new WeakMap<Database, Map<string, number>>()

const openCounts = (db: Database): Map<string, number> => {
  const known = counts.get(db) ?? new Map<string, number>()
  counts.set(db, known)
  return known
}

/**
 * How many events of each name this process has written to that database since it began: counted once they are
 * committed, so what was rolled back is in no figure.
 */
export const eventCountsOf = (db: Database): ReadonlyMap<string, number> => openCounts(db)

/** To be called when they are committed. */
export const noteEvents = (db: Database, event: string, count = 1): void => {
  const known = openCounts(db)
  const name = known.has(event) || known.size < mostNames ? event : others
  known.set(name, (known.get(name) ?? 0) + count)
}
