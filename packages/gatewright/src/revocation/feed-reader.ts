import { setImmediate as immediate } from 'node:timers/promises'
import { type Clock, momentOf, second } from '../ground/clock.ts'
import type { CutOffRow, Database } from '../storage/tables.ts'
import type { FeedAlarm } from './alarm.ts'
import { type CutOffSet, type CutOffSetCalls, createCutOffSet, type KnownCutOff } from './cut-off-set.ts'
import { type FeedPosition, feedStart, readFeed } from './feed.ts'
import type { FeedChange } from './feed-head.ts'
import type { View } from './view.ts'

export type ReaderDependencies = CutOffSetCalls & {
  /** By which the feed is read from its start, which may take its time. */
  readonly db: Database
  /** By which it is followed: one whose connections requests can't use up (`openDatabases`). */
  readonly watch: Database
  readonly clock: Clock
  /** Makes hold in the database what it lacks of what this process knows. Without it such a view stays stale. */
  readonly writeBack?: (lacking: readonly KnownCutOff[]) => Promise<void>
  /** Ends the connections of `db`, which may lead to the server that there was before. */
  readonly breakConnections?: () => void
  /** Is told where the newest read stands. */
  readonly onRead?: ((position: { readonly epoch: string; readonly place: number }) => void) | undefined
}

/** Is told after each complete read, from the start or from where the view stood. */
export type ViewReads = {
  readonly readWhole: (position: FeedPosition) => void
  readonly readOn: (rows: readonly CutOffRow[], position: FeedPosition) => void
}

type Parts = {
  readonly set: CutOffSet
  readonly view: View
  readonly alarm: FeedAlarm
  readonly reads: ViewReads
}

/** Every cut-off matters for longer (`margin`). */
const longestGap = 30 * second

/** Reads the feed, one read after the other, into `set` and `view`. */
export const createFeedReader = (
  { db, watch, clock, writeBack, onRead, readRoles, breakConnections }: ReaderDependencies,
  { set, view, alarm, reads }: Parts,
) => {
  let position: FeedPosition | undefined = feedStart
  /** What the database has, while it is compared with what is known. */
  let found: CutOffSet | undefined
  let lastSent = Number.NEGATIVE_INFINITY

  /** Cut-offs that no longer matter are not read. What one has ended is over; what one has changed is not. */
  const noteSent = (now: number): void => {
    if (now - lastSent > longestGap) set.rereadAll()
    lastSent = now
  }

  const apply = (rows: readonly CutOffRow[]): void => {
    for (const row of rows) {
      if (!set.add(row)) view.noteUnknownKind(row.kind)
      found?.add(row)
    }
  }

  const tellPlace = ({ epoch, written }: FeedPosition): void => onRead?.({ epoch, place: Number(written) })

  /** Page by page, and then what came meanwhile. @throws Error where the feed changed meanwhile */
  const readPages = async (now: number): Promise<FeedPosition> => {
    let read = await readFeed(db, feedStart, now)
    apply(read.rows)
    while (!read.isWhole) {
      await immediate()
      read = await readFeed(db, read.next, now)
      apply(read.rows)
    }
    // By the way on which it is followed: should that lead to another server, nobody is let in.
    const { rows, next, change } = await readFeed(watch, read.next, now)
    if (change !== undefined) {
      breakConnections?.()
      throw new Error('the feed changed while it was read')
    }
    apply(rows)
    return next
  }

  /** What is known stays known. What the database lacks of it is written there before anybody is let in. */
  const putRight = async (now: number, change: FeedChange): Promise<FeedPosition> => {
    set.forgetRoles()
    found = createCutOffSet({ readRoles })
    try {
      const next = await readPages(now)
      const has = found.covers
      // Times of sessions are rounded up here: what ends within this second may rightly be gone there.
      const lacking = [...set.list(clock.now() + second)].filter(cutOff => !has(cutOff))
      if (lacking.length === 0) return next
      if (writeBack === undefined) throw new TypeError('nothing writes back what the database lacks')
      await writeBack(lacking)
      alarm.wroteBack(change, lacking.length)
      return next
    } finally {
      found = undefined
    }
  }

  const readWhole = async (): Promise<void> => {
    const sent = momentOf(clock)
    const change = view.change()
    position = change === undefined ? await readPages(sent.wall) : await putRight(sent.wall, change)
    noteSent(sent.wall)
    view.noteWhole(sent)
    tellPlace(position)
    reads.readWhole(position)
  }

  const startOver = (change: FeedChange): Promise<void> => {
    position = feedStart
    view.noteChange(change)
    alarm.changed(change)
    return readWhole()
  }

  const readOn = async (from: FeedPosition): Promise<void> => {
    const sent = momentOf(clock)
    const { rows, next, change } = await readFeed(watch, from, sent.wall)
    if (change !== undefined) return startOver(change)
    apply(rows)
    position = next
    noteSent(sent.wall)
    view.noteWhole(sent)
    tellPlace(next)
    reads.readOn(rows, next)
  }

  return { apply, read: (): Promise<void> => (position === feedStart ? readWhole() : readOn(position)) }
}
