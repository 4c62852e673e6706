import { setTimeout as delay } from 'node:timers/promises'

/** Time as the engine sees it: the one place where a test puts another clock. */
export type Clock = {
  /** Milliseconds since 1970. Never runs backwards, whatever is done to the machine's clock. */
  readonly now: () => number
  /** Milliseconds that only grow, from any start: for ages and waits, never for dates. */
  readonly monotonic: () => number
  /** How far the machine's clock has fallen behind `now`, in milliseconds: it was set back. */
  readonly behind: () => number
  /** How far the machine's clock is from the database's, where `now` is the database's time. */
  readonly difference?: () => number
  /** Resolves after that many milliseconds; does not keep the process alive. */
  readonly sleep: (milliseconds: number) => Promise<void>
}

/**
 * The largest distance seen between the wall clock and the monotonic one. A wall clock that is set
 * forward is followed; one that is set back is not, so what has ended by time stays ended.
 */
let distance = Number.NEGATIVE_INFINITY
let measuredAt = Number.NEGATIVE_INFINITY

/** The distance is measured at most once a millisecond, which is as exact as the answer: a reading costs. */
const neverBackwards = (): number => {
  const elapsed = performance.now()
  if (elapsed - measuredAt >= 1) {
    measuredAt = elapsed
    distance = Math.max(distance, Date.now() - elapsed)
  }
  return Math.floor(distance + elapsed)
}

export const systemClock: Clock = {
  now: neverBackwards,
  monotonic: () => performance.now(),
  behind: () => Math.max(0, neverBackwards() - Date.now()),
  sleep: milliseconds => delay(milliseconds, undefined, { ref: false }),
}

/** A moment by both clocks, from which an age is counted. */
export type Moment = { readonly wall: number; readonly monotonic: number }

export const longAgo: Moment = { wall: 0, monotonic: Number.NEGATIVE_INFINITY }

export const momentOf = (clock: Clock): Moment => ({ wall: clock.now(), monotonic: clock.monotonic() })

/**
 * Milliseconds since a moment. By both clocks, and the larger counts: one of them stands while a machine
 * sleeps. Infinite where the wall clock went back behind the moment.
 */
export const ageOf = (clock: Clock, { wall, monotonic }: Moment): number => {
  const byWall = clock.now() - wall
  return byWall < 0 ? Number.POSITIVE_INFINITY : Math.max(byWall, clock.monotonic() - monotonic)
}

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** The beginning of the day, in UTC, that a moment lies in; and its end. */
export const startOfDay = (at: number): number => Math.floor(at / day) * day
export const endOfDay = (at: number): number => startOfDay(at) + day

/** How far the clocks of machines that count together may be apart: beyond 2 s a process is not ready. */
export const mostApart = 10 * second

/**
 * Milliseconds since 1970 by the clock as it is set, back as well: for counters, which all processes count by
 * the same time, also those that have seen a wrong one.
 */
export const timeAsSet = ({ now, behind }: Pick<Clock, 'now' | 'behind'>): number =>
  Math.floor(now() - behind())

/** RFC 3339 in UTC, as every answer writes times. */
export const toTimestamp = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** As {@link toTimestamp}, and null where there is no time. */
export const toTimestampOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : toTimestamp(milliseconds)

/** The last millisecond that RFC 3339 can write. */
export const lastTimestamp = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Milliseconds of an RFC 3339 text from 1970 on; undefined for any other text, a leap second included. */
export const parseTimestamp = (text: string): number | undefined => {
  const milliseconds = Date.parse(text)
  return milliseconds >= 0 && milliseconds <= lastTimestamp ? milliseconds : undefined
}
