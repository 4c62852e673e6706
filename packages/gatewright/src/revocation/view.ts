import { ageOf, type Clock, longAgo, type Moment } from '../ground/clock.ts'
import type { FeedChange } from './feed-head.ts'

/** Why a view that is not fresh isn't, as the log of the refusal names it. */
type StaleReason = 'revocations_stale' | 'feed_kind_unknown' | 'feed_changed' | 'database_lost'

export const whys: Readonly<Record<StaleReason, string>> = {
  revocations_stale: 'the view of revocations is too old',
  feed_kind_unknown:
    'the feed holds a kind of cut-off that this version does not know: bring this process up to date',
  feed_changed: 'the feed of cut-offs is not the one that it was: it is being put right and read anew',
  database_lost: 'the file of the database was deleted or replaced: restart, and the start says what to do',
}

/** What is known of the feed, and how old that is. */
export const createView = ({ clock, maxAge }: { readonly clock: Clock; readonly maxAge: number }) => {
  let sentAt = longAgo
  let unknownKind: string | undefined
  let isLost = false
  let change: FeedChange | undefined
  /** When it was last known to be right, by the monotonic clock alone. */
  let rightAt = clock.monotonic()

  const age = (): number => ageOf(clock, sentAt)
  const isFresh = (): boolean => unknownKind === undefined && !isLost && age() <= maxAge
  const reason = (): StaleReason => {
    if (isLost) return 'database_lost'
    if (unknownKind !== undefined) return 'feed_kind_unknown'
    return change === undefined ? 'revocations_stale' : 'feed_changed'
  }
  return {
    age,
    isFresh,
    reason,
    change: () => change,
    isLost: () => isLost,
    /** Everything was read that there was at `sent`. */
    noteWhole: (sent: Moment): void => {
      sentAt = sent
      change = undefined
      if (isFresh()) rightAt = sent.monotonic
    },
    /** Until everything was read again, nothing counts as valid. */
    noteChange: (what: FeedChange): void => {
      sentAt = longAgo
      change ??= what
    },
    noteUnknownKind: (kind: string): void => {
      unknownKind ??= kind
    },
    noteLost: (): void => {
      isLost = true
    },
    trouble: () => (isFresh() ? undefined : { why: whys[reason()], since: clock.monotonic() - rightAt }),
  }
}

export type View = ReturnType<typeof createView>
