import { setTimeout as delay } from 'node:timers/promises'

/** Time as the engine sees it: the one place where a test puts another clock. */
export type Clock = {
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds that only grow, from any start: for ages and waits, never for dates. */
  readonly monotonic: () => number
  /** Resolves after that many milliseconds; does not keep the process alive. */
  readonly sleep: (milliseconds: number) => Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: milliseconds => delay(milliseconds, undefined, { ref: false }),
}

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** RFC 3339 in UTC, as every answer writes times. */
export const toTimestamp = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** As {@link toTimestamp}, and null where there is no time. */
export const toTimestampOrNull = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : toTimestamp(milliseconds)
