import type { Secrets } from '../ground/secrets.ts'
import type { FeedPosition } from './feed.ts'
import { headNames } from './feed-head.ts'

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

/** Of another version's form, or somebody's whose secret we share: it would be asked of the database. */
const isPlace = (value: unknown): value is FeedPlace => {
  const { position, after = 0 } = (value ?? {}) as Partial<FeedPlace>
  return (
    typeof after === 'number' &&
    headNames.every(name => typeof position?.[name] === 'string') &&
    /^\d+$/.test(position?.written ?? '')
  )
}

/**
 * Places as others see them: opaque, and good at every process of the installation. What comes back is ours,
 * unchanged, so it may be asked of the database. They are sealed with a secret that every process has, or a
 * list that is asked for page by page from several of them would never end while the secret is changed.
 */
export const createFeedPlaces = (secrets: Secrets, secretInForce: () => string): FeedPlaces => ({
  toText: place => secrets.seal('feed-place', 'place', Buffer.from(JSON.stringify(place)), secretInForce()),
  find: text => {
    try {
      const place = JSON.parse(secrets.open('feed-place', 'place', text).toString())
      return isPlace(place) ? place : undefined
    } catch {
      return undefined
    }
  },
})
