import type { CutOffRow } from '../storage/tables.ts'
import type { FeedPosition } from './feed.ts'

/** What came into the view lately, and where the view stood: so who follows it needs no query. */
export type RecentCutOffs = {
  /** Forgets all: the view was read from the start, and stands here. */
  readonly startAt: (position: FeedPosition) => void
  readonly add: (rows: readonly CutOffRow[], position: FeedPosition) => void
  /** All that came after a position that the view had; undefined where that is too long ago, or was never. */
  readonly since: (position: FeedPosition) => readonly CutOffRow[] | undefined
  /** The position of the last cut-off that came, which has seen all that the view has seen. */
  readonly end: () => FeedPosition
}

/** Some 3 MB. */
const usualMost = 10_000

type Step = { readonly key: string; readonly position: FeedPosition; readonly rows: readonly CutOffRow[] }

const toStep = (position: FeedPosition, rows: readonly CutOffRow[] = []): Step => ({
  key: JSON.stringify(position),
  position,
  rows,
})

/** @param most rows that are kept */
export const createRecentCutOffs = (start: FeedPosition, most = usualMost): RecentCutOffs => {
  let steps: Step[] = [toStep(start)]
  let count = 0

  const dropOldest = (): void => {
    while (count > most && steps.length > 1) {
      steps.shift()
      const [first] = steps
      if (first === undefined) return
      count -= first.rows.length
      // What led to the oldest position is asked for by nobody who is known here.
      steps[0] = toStep(first.position)
    }
  }
  return {
    startAt: position => {
      steps = [toStep(position)]
      count = 0
    },
    add: (rows, position) => {
      if (rows.length === 0) return
      steps.push(toStep(position, rows))
      count += rows.length
      dropOldest()
    },
    since: position => {
      const key = JSON.stringify(position)
      const at = steps.findLastIndex(step => step.key === key)
      return at < 0 ? undefined : steps.slice(at + 1).flatMap(({ rows }) => rows)
    },
    end: () => steps.at(-1)?.position ?? start,
  }
}
