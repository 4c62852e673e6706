import { day, hour, minute, mostApart } from '../ground/clock.ts'
import type { Settings } from '../ground/settings.ts'

/** How fast one thing may be guessed at, whoever guesses and from how many addresses. Times in milliseconds. */
export type ThrottleRule = {
  /** Wrong ones in a row that wait for nothing. */
  readonly free: number
  /** What follows the last free one, and each one after it; the last of them stays. */
  readonly delays: readonly number[]
  /**
   * What begins the row anew (its owner got in, a known device lifted the delay, a day passed) gives back
   * none of this: so many in all at once, and one more each `regrows`.
   */
  readonly reserve: number
  readonly regrows: number
  /** After the last one that was checked. */
  readonly forgottenAfter: number
}

const delays = [1, 2, 4, 8, 15].map(minutes => minutes * minute)

export const throttleRule: ThrottleRule = {
  free: 10,
  delays,
  // As many as the delays let through in an hour: without a new beginning the reserve delays nobody.
  reserve: 10 + delays.length + 1,
  regrows: 15 * minute,
  forgottenAfter: day,
}

/** The most that may be checked in any hour, both of its ends included, whatever begins the row anew. */
export const mostInAnHour = ({ reserve, regrows }: ThrottleRule): number =>
  reserve + Math.floor(hour / regrows)

/** What follows so many wrong ones in a row. */
export const delayAfter = ({ free, delays: steps }: ThrottleRule, wrong: number): number =>
  wrong < free ? 0 : (steps[Math.min(wrong - free, steps.length - 1)] ?? 0)

/** Of a counter. */
type Times = { readonly open_at: number; readonly tat: number }

/** The furthest that a counter's times can be, where clocks differ as far as they may. */
export const furthestTimes = ({ delays: steps, reserve, regrows }: ThrottleRule, now: number): Times => ({
  open_at: now + Math.max(...steps) + mostApart,
  tat: now + reserve * regrows + mostApart,
})

/** Until when a counter refuses. One of a clock that was ahead, and was set right, counts as none. */
export const refusesUntil = (rule: ThrottleRule, { open_at, tat }: Times, now: number): number => {
  const furthest = furthestTimes(rule, now)
  return open_at > furthest.open_at || tat > furthest.tat
    ? 0
    : Math.max(open_at, tat - rule.regrows * (rule.reserve - 1))
}

const scaled = (scale: number): ThrottleRule => {
  const free = Math.max(1, Math.round(throttleRule.free * scale))
  const reserve = Math.max(1, Math.round(throttleRule.reserve * scale))
  const regrows = Math.ceil(throttleRule.regrows / scale)
  // Never before the reserve has regrown.
  const forgottenAfter = Math.max(throttleRule.forgottenAfter, reserve * regrows)
  return { ...throttleRule, free, reserve, regrows, forgottenAfter }
}

export type ThrottleSettings = Pick<Settings, 'limits' | 'limitsScale'>

/** The rule in force; undefined where nothing is counted. */
export const throttleRuleOf = ({ limits, limitsScale: scale }: ThrottleSettings): ThrottleRule | undefined =>
  limits === 'off' ? undefined : scaled(scale)
