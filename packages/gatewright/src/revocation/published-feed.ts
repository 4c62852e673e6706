import { ageOf, type Clock, type Moment, momentOf } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { CutOffRow, Database } from '../storage/tables.ts'
import { readFeed } from './feed.ts'
import { createFeedPlaces, type FeedPlace } from './feed-places.ts'
import { createFeedWaiters, type FeedWaiters, type Waiting } from './feed-waiters.ts'
import { createRecentCutOffs } from './recent-cut-offs.ts'
import type { Revocations } from './revocations.ts'
import { shareForAWhile } from './share-for-a-while.ts'

/** A part of the feed, as one answer tells it. */
export type FeedPart = {
  readonly epoch: string
  /** The place that it starts after; empty where it starts with the first cut-off. */
  readonly after: string
  readonly place: string
  /** Up to here all is told that this process knows. A list that was begun is whole only with this. */
  readonly isLast: boolean
  readonly rows: readonly CutOffRow[]
  /** Milliseconds since what is told was asked of the database: at the moment of the call. */
  readonly age: () => number
}

type Page = Pick<FeedPart, 'rows' | 'isLast'> & {
  readonly next: FeedPlace
  /** It is the first of the whole list, whatever was asked for. */
  readonly isAnew: boolean
  readonly sent: Moment
}

export type PublishedFeed = {
  /**
   * What stands behind a place that was told before; everything from the first where it was not told, or the
   * database is no longer the one that it belongs to. Where nothing does, waits for it.
   * @throws Refusal `unavailable` where the view is older than the bound
   */
  readonly read: (after: string, waiting: Waiting) => Promise<FeedPart>
  /** Answers all who wait, and from now on nobody waits. */
  readonly stop: () => void
  readonly waiting: FeedWaiters['count']
}

type Dependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly secrets: Secrets
  readonly revocations: Revocations
  /** The id of a secret that every process has. */
  readonly secretInForce: () => string
}

/** Rows of one answer: some 150 kB, and 5 ms to make. */
const pageSize = 2_000

/**
 * The feed as this process shows it to others. Who follows it is answered from memory; the database is asked
 * by who begins, and by who comes from another process.
 */
export const createPublishedFeed = (dependencies: Dependencies, most = pageSize): PublishedFeed => {
  const { db, clock, secrets, revocations, secretInForce } = dependencies
  const places = createFeedPlaces(secrets, secretInForce)
  const waiters = createFeedWaiters()
  const recent = createRecentCutOffs()
  revocations.listen({
    readWhole: position => {
      recent.startAt(position)
      waiters.wake()
    },
    readOn: (rows, position) => {
      recent.add(rows, position)
      if (rows.length > 0) waiters.wake()
    },
    applied: () => {
      if (waiters.count() > 0) revocations.readFromNow().catch(() => {})
    },
  })

  /** Only what no process of this epoch has told is not found. */
  const findPlace = (text: string): FeedPlace | undefined => {
    const place = places.find(text)
    return place?.position.epoch === recent.end().epoch ? place : undefined
  }

  const toPart = (
    after: string,
    place: FeedPlace,
    told: Omit<FeedPart, 'epoch' | 'after' | 'place'>,
  ): FeedPart => ({
    epoch: place.position.epoch,
    after,
    place: places.toText(place),
    ...told,
  })

  const readRecent = (text: string, { position, after }: FeedPlace): FeedPart | undefined => {
    const since = after === undefined ? recent.since(position, most) : undefined
    if (since === undefined) return undefined
    const { rows, isLast } = since
    const [at, before] = [momentOf(clock), revocations.age()]
    // Of what is told here: the view itself may be read anew before it is signed.
    const age = () => before + ageOf(clock, at)
    return toPart(text, { position: since.position }, { rows, isLast, age })
  }

  /**
   * From the database: what stands behind a place of another process, or a page of the whole list. The view is
   * read first: so it has seen all that any process has told so far, and its end is where this leads, whatever
   * is committed while pages are read. What stands behind a place and is more than a page is told as a list, and
   * so is everything where the database is not as it was when the list was begun.
   */
  const readPage = async (place: FeedPlace | undefined): Promise<Page> => {
    await revocations.readFromNow()
    const isList = place === undefined || place.after !== undefined
    const position = place?.after === undefined ? recent.end() : place.position
    const sent = momentOf(clock)
    const from = isList ? { ...position, after: place?.after ?? 0 } : place.position
    const { rows, change, isWhole } = await readFeed(db, from, sent.wall, isList ? most : most + 1)
    const later = isList ? (await readFeed(db, position, sent.wall, 1)).change : change
    if (later !== undefined || (!isList && !isWhole)) return readPage(undefined)
    const last = isWhole ? undefined : rows.at(-1)
    const next = { position, ...(last && { after: last.place }) }
    return { isAnew: place === undefined, next, rows, isLast: last === undefined, sent }
  }
  const sharePage = shareForAWhile(clock, readPage)

  const readStored = async (text: string, place: FeedPlace | undefined): Promise<FeedPart> => {
    try {
      const { isAnew, next, sent, ...told } = await sharePage(JSON.stringify(place ?? ''), place)
      return toPart(isAnew ? '' : text, next, { ...told, age: () => ageOf(clock, sent) })
    } catch (error) {
      if (error instanceof Refusal) throw error
      throw new Refusal('unavailable', { reason: 'revocations_stale', retryAfter: 1 })
    }
  }

  const readNow = async (after: string): Promise<FeedPart> => {
    const place = after === '' ? undefined : findPlace(after)
    return (place && readRecent(after, place)) ?? readStored(after, place)
  }
  return {
    read: async (after, waiting) => {
      await revocations.ensureFresh()
      const end = recent.end()
      const part = await readNow(after)
      if (part.after === '' || part.rows.length > 0 || !part.isLast || waiting.longest === 0) return part
      // What came while the database was asked has woken those who waited then.
      if (end === recent.end()) await waiters.wait(waiting)
      await revocations.ensureFresh()
      return readNow(after)
    },
    stop: waiters.stop,
    waiting: waiters.count,
  }
}
