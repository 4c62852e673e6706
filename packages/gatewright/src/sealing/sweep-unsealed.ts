import { type Clock, hour, minute } from '../ground/clock.ts'
import type { AuditEventRow, Database } from '../storage/tables.ts'
import { type Head, listUnsealed } from './seal-events.ts'

/** An event is looked for again and again for so long after one with a higher number was sealed. */
const grace = minute
/** How many numbers, before that, a process that has just begun looks through at each look. */
const firstWindow = 10_000
/** How many numbers one look goes through of all those before. */
const chunk = 5_000
/** How often all numbers are gone through. */
const interval = hour

type Mark = { readonly at: number; readonly event: number }

/** Where events may stand that came late. */
export type Sweep = {
  /** Behind this number every look looks for all that has no seal. */
  readonly windowBehind: (head: Head) => number
  /** What is found in the next few numbers before that; nothing between two times of going through them. */
  readonly next: (head: Head) => Promise<readonly AuditEventRow[]>
}

/**
 * PostgreSQL gives numbers before the commit: a lower one may become visible after a higher one was sealed, and a gap
 * may be one that never will, of a transaction that was rolled back. Nobody can tell the two apart from outside, so
 * nobody waits for a gap: what was numbered within the last minute is looked for at each look, and everything before
 * it, in small parts, once an hour and after a start. A look is as cheap with a million rows as with a thousand.
 */
export const createSweep = ({ db, clock }: { readonly db: Database; readonly clock: Clock }): Sweep => {
  let marks: readonly Mark[] = []
  let behind: number | undefined
  /** Down to where all numbers were gone through; undefined between two times. */
  let place: number | undefined
  let sweptAt = Number.NEGATIVE_INFINITY

  const mark = (event: number): void => {
    const now = clock.monotonic()
    if (marks.at(-1)?.event !== event) marks = [...marks, { at: now, event }]
    const old = marks.filter(({ at }) => now - at > grace).at(-1)
    if (old === undefined) return
    behind = old.event
    marks = marks.filter(({ event: other }) => other >= old.event)
  }

  return {
    windowBehind: ({ mostEvent }) => {
      behind ??= Math.max(0, mostEvent - firstWindow)
      mark(mostEvent)
      return behind
    },
    next: async ({ mostEvent }) => {
      if (place === undefined && clock.monotonic() - sweptAt >= interval) place = behind ?? mostEvent
      if (place === undefined) return []
      const to = place
      const after = Math.max(0, to - chunk)
      const found = to === 0 ? [] : await listUnsealed(db, { after, to })
      // With more in it than a batch has, it is gone through again.
      if (found.length === 0) place = after === 0 ? undefined : after
      if (place === undefined) sweptAt = clock.monotonic()
      return found
    },
  }
}
