/** `count` requests in `window` milliseconds. */
export type Rate = { readonly count: number; readonly window: number }

/** Where a key stands under a rate; all times in milliseconds from now. */
export type Standing = {
  /** Requests that would be allowed at once. */
  readonly remaining: number
  /** Until `remaining` is one more; 0 when it is already `count`. */
  readonly nextAfter: number
}

/** The answer to one request. */
export type Verdict = Standing & {
  readonly allowed: boolean
  /** What to store for the key if the request is charged; as it was when refused. */
  readonly tat: number
  /** Until the same request would be allowed; 0 when it is. */
  readonly retryAfter: number
}

// Whole microseconds inside: sums of fractions of a millisecond would drift and cost the last request
// of a burst.
const toMicroseconds = (milliseconds: number): number => Math.round(milliseconds * 1_000)
const toMilliseconds = (microseconds: number): number => microseconds / 1_000

/** Rounded up, so that rounding never allows more than the rate says. */
const interval = ({ count, window }: Rate): number => Math.ceil(toMicroseconds(window) / count)

/** How far a key is ahead of now. */
const usedBy = (tat: number | undefined, now: number): number =>
  Math.max(0, toMicroseconds(tat ?? now) - toMicroseconds(now))

const remainingOf = (free: number, step: number): number => Math.max(0, Math.floor(free / step))
const nextAfterOf = (used: number, free: number, step: number): number =>
  used === 0 ? 0 : toMilliseconds((remainingOf(free, step) + 1) * step - free)

/** Where a key stands, without charging it. Arguments as for {@link gcra}. */
export const standing = (tat: number | undefined, now: number, rate: Rate): Standing => {
  const step = interval(rate)
  const used = usedBy(tat, now)
  const free = step * rate.count - used
  return { remaining: remainingOf(free, step), nextAfter: nextAfterOf(used, free, step) }
}

/**
 * The generic cell rate algorithm, with a burst of the whole count.
 *
 * Each request is worth one interval of time, `window / count`. All that is kept for a key is its
 * "theoretical arrival time": when the last request would have come, had all come evenly. A request
 * moves it one interval on, from now or from where it was, whichever is later. One that would move it
 * more than a window ahead of now is refused and moves nothing. Idle keys need no entry: past is past.
 *
 * So of any stretch of time `t` at most `count + t × count / window` requests pass: in the worst
 * minute of "5 a minute" a full burst and the four or five that grow back during it.
 *
 * Times are milliseconds of one clock, exact to a microsecond. If that clock goes back, keys wait
 * longer: it fails closed.
 *
 *     const first = gcra(undefined, 0, { count: 5, window: 60_000 })
 *     // { allowed: true, tat: 12_000, remaining: 4, nextAfter: 12_000, retryAfter: 0 }
 *     const second = gcra(first.tat, 0, { count: 5, window: 60_000 })
 */
export const gcra = (tat: number | undefined, now: number, rate: Rate): Verdict => {
  const step = interval(rate)
  const before = usedBy(tat, now)
  // Written so that a clock that gives no number refuses.
  const allowed = before + step <= step * rate.count
  const used = allowed ? before + step : before
  const free = step * rate.count - used
  const nextAfter = nextAfterOf(used, free, step)
  return {
    allowed,
    tat: allowed ? toMilliseconds(toMicroseconds(now) + used) : (tat ?? now),
    remaining: remainingOf(free, step),
    nextAfter,
    retryAfter: allowed ? 0 : nextAfter,
  }
}

/** What to store for a key of which one request was charged that should not count; never before now. */
export const refund = (tat: number, now: number, rate: Rate): number =>
  toMilliseconds(toMicroseconds(now) + Math.max(0, usedBy(tat, now) - interval(rate)))
