import type { CutOffRow } from '../storage/tables.ts'
import type { FeedPosition } from './feed.ts'

/** What came into the view lately, and where the view stood: so who follows it needs no query. */
export type RecentCutOffs = {
  /** Forgets all: the view was read from the start, and stands here. */
  readonly startAt: (position: FeedPosition) => void
  readonly add: (rows: readonly CutOffRow[], position: FeedPosition) => void
  /**
   * What came after a position that the view had, read by read, as far as `most` rows go (one read at least);
   * undefined where that is too long ago, or was never.
   */
  readonly since: (position: FeedPosition, most: number) => Since | undefined
  /**
   * The position of the last cut-off that came, which has seen all that the view has seen.
   * @throws TypeError where nothing was read yet
   */
  readonly end: () => FeedPosition
}

export type Since = {
  readonly rows: readonly CutOffRow[]
  /** Where the view stood after them. */
  readonly position: FeedPosition
  readonly isLast: boolean
}

/** Some 3 MB. */
const usualMost = 10_000

type Step = { readonly key: string; readonly position: FeedPosition; readonly rows: readonly CutOffRow[] }

const toStep = (position: FeedPosition, rows: readonly CutOffRow[] = []): Step => ({
  key: JSON.stringify(position),
  position,
  rows,
})

/** The first step is where it starts from. */
const goOn = ([from, ...steps]: readonly Step[], most: number): Since | undefined => {
  if (from === undefined) return undefined
  let count = 0
  const end = steps.findIndex(({ rows }, at) => {
    count += rows.length
    return at > 0 && count > most
  })
  const taken = end < 0 ? steps : steps.slice(0, end)
  return {
    rows: taken.flatMap(({ rows }) => rows),
    position: taken.at(-1)?.position ?? from.position,
    isLast: end < 0,
  }
}

/** @param most rows that are kept */
export const createRecentCutOffs = (most = usualMost): RecentCutOffs => {
  let steps: Step[] = []
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
    since: (position, mostRows) => {
      const key = JSON.stringify(position)
      const at = steps.findLastIndex(step => step.key === key)
      return at < 0 ? undefined : goOn(steps.slice(at), mostRows)
    },
    end: () => {
      const last = steps.at(-1)
      if (last === undefined) throw new TypeError('the feed was not read yet')
      return last.position
    },
  }
}
