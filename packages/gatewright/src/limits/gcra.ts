import { mostApart } from '../ground/clock.ts'

/** `count` requests in each `window` milliseconds, and `burst` (without a word as many) at once. */
export type Rate = { readonly count: number; readonly window: number; readonly burst?: number }

/** A rate as the arithmetic needs it, in whole microseconds. */
export type Pace = {
  /** What one request is worth. */
  readonly step: number
  /** How far a key may be ahead of now. */
  readonly capacity: number
}

/** Where a key stands. */
export type Standing = {
  /** Requests that would be allowed at once. */
  readonly remaining: number
  /** Microseconds until `remaining` is one more; 0 when nothing is used. */
  readonly nextAfter: number
}

/** Times are whole microseconds: sums of fractions would drift and cost the last request of a burst. */
export const toMicroseconds = (milliseconds: number): number => Math.round(milliseconds * 1_000)

/** The step is rounded up, so that rounding never allows more than the rate says. */
export const paceOf = ({ count, window, burst = count }: Rate): Pace => {
  const step = Math.ceil(toMicroseconds(window) / count)
  return { step, capacity: step * burst }
}

/** How far a key is ahead of now. */
const usedBy = (tat: number, now: number): number => Math.max(0, tat - now)

/** The furthest that a counter can be, where clocks differ as far as they may. */
export const furthest = (now: number, { capacity }: Pick<Pace, 'capacity'>): number =>
  now + capacity + toMicroseconds(mostApart)

/**
 * What a counter says that several clocks write. One that is further ahead than it can be was written by a
 * clock that was wrong, or under a longer window: it counts as none.
 */
export const believed = (tat: number, now: number, pace: Pick<Pace, 'capacity'>): number =>
  tat > furthest(now, pace) ? 0 : tat

/** Where a key stands, without charging it. Arguments as for {@link isAllowed}. */
export const standing = (tat: number, now: number, { step, capacity }: Pace): Standing => {
  const used = usedBy(tat, now)
  const free = capacity - used
  const remaining = Math.max(0, Math.floor(free / step))
  return { remaining, nextAfter: used === 0 ? 0 : (remaining + 1) * step - free }
}

/**
 * The generic cell rate algorithm.
 *
 * Each request is worth one step of time, `window / count`. All that is kept for a key is its "theoretical
 * arrival time": when the last request would have come, had all come evenly. A request moves it one step on
 * ({@link charge}), from now or from where it was, whichever is later. One that would move it further ahead
 * of now than `burst` steps is refused and moves nothing. Idle keys need no entry: past is past.
 *
 * So of any stretch of time `t` at most `burst + t × count / window` requests pass: in the worst minute of
 * "5 a minute" a full burst and the five that grow back during it.
 *
 * Times are microseconds of one clock. If that clock goes back, keys wait longer, but for counters that can't
 * be ({@link believed}). A clock that gives no number refuses.
 *
 *     const five = paceOf({ count: 5, window: 60_000 })
 *     isAllowed(0, now, five) // true: 0 stands for a key that never came
 *     const tat = charge(0, now, five) // now + 12_000_000
 *     standing(tat, now, five) // { remaining: 4, nextAfter: 12_000_000 }
 */
export const isAllowed = (tat: number, now: number, { step, capacity }: Pace): boolean =>
  usedBy(tat, now) + step <= capacity

/** What to keep for a key that is charged one request. */
export const charge = (tat: number, now: number, { step }: Pace): number => Math.max(tat, now) + step

/** What to keep for a key of which one charge is taken back; never before now. */
export const refund = (tat: number, now: number, { step }: Pace): number => Math.max(now, tat - step)

/** Microseconds until a request would be allowed; 0 when it is. */
export const waitFor = (tat: number, now: number, { step, capacity }: Pace): number =>
  Math.max(0, usedBy(tat, now) + step - capacity)
