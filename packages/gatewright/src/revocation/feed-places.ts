import type { Secrets } from '../ground/secrets.ts'
import type { FeedPosition } from './feed.ts'

/** Where somebody stands who is shown the feed. */
export type FeedPlace = {
  /** All that was to be seen from here is known, once the list under way has been read to its end. */
  readonly position: FeedPosition
  /** In the middle of the whole list: the place of its last row so far. */
  readonly after?: number
}

export type FeedPlaces = {
  readonly toText: (place: FeedPlace) => string
  /** Undefined for what no process of this installation has given out, or none that knows this secret. */
  readonly find: (text: string) => FeedPlace | undefined
}

/**
 * Places as others see them: opaque, and good at every process of the installation. What comes back is ours,
 * unchanged, so it may be asked of the database.
 */
export const createFeedPlaces = (secrets: Secrets): FeedPlaces => ({
  toText: place => secrets.seal('feed-place', 'place', Buffer.from(JSON.stringify(place)), secrets.newestId),
  find: text => {
    try {
      return JSON.parse(secrets.open('feed-place', 'place', text).toString()) as FeedPlace
    } catch {
      return undefined
    }
  },
})
