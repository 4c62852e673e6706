import { type FeedPlace, type KeptPlace, readPlaceFile, writePlaceFile } from './place-file.ts'

export type PlaceKeeper = {
  /** A read of the feed has come so far. */
  readonly note: (place: FeedPlace) => void
  readonly flush: () => void
}

/** Not at every read: so many milliseconds apart. */
const distance = 1_000

/** Never back, and never for another epoch: that is for who adopts a database. */
const isNews = (newest: KeptPlace, there: KeptPlace | undefined): boolean =>
  there === undefined ||
  (newest.epoch === there.epoch &&
    newest.place >= there.place &&
    (newest.place > there.place || newest.pair !== there.pair))

/** Keeps the file beside a SQLite database up to date. A disk that can't be written keeps nobody out. */
export const createPlaceKeeper = (
  file: string,
  { pair, monotonic }: { readonly pair: () => string; readonly monotonic: () => number },
): PlaceKeeper => {
  let newest: FeedPlace | undefined
  let kept = -1
  let at = Number.NEGATIVE_INFINITY
  const write = (): void => {
    if (newest === undefined || newest.place <= kept) return
    at = monotonic()
    try {
      const now = { ...newest, pair: pair() }
      if (isNews(now, readPlaceFile(file))) writePlaceFile(file, now)
      kept = newest.place
    } catch {}
  }
  return {
    note: place => {
      newest = place
      if (monotonic() - at >= distance) write()
    },
    flush: write,
  }
}
