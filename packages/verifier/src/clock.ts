import { setTimeout as delay } from 'node:timers/promises'

/** Time as the verifier sees it: the one place where a test puts another clock. */
export type Clock = {
  /** Milliseconds since 1970, as the machine's clock has it. */
  readonly wall: () => number
  /** Milliseconds that only grow. */
  readonly monotonic: () => number
}

export const systemClock: Clock = { wall: Date.now, monotonic: () => performance.now() }

/** A moment by both clocks, from which an age is counted. */
export type Moment = { readonly wall: number; readonly monotonic: number }

export const momentOf = (clock: Clock): Moment => ({ wall: clock.wall(), monotonic: clock.monotonic() })

/**
 * Milliseconds since a moment. By both clocks, and the larger counts: one of them stands while a machine
 * sleeps. Infinite where the wall clock went back behind the moment.
 */
export const ageOf = (clock: Clock, { wall, monotonic }: Moment): number => {
  const byWall = clock.wall() - wall
  return byWall < 0 ? Number.POSITIVE_INFINITY : Math.max(byWall, clock.monotonic() - monotonic)
}

export const second = 1_000
export const minute = 60 * second

/** Resolves after that many milliseconds, or at once when aborted. */
export const sleep = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  await delay(milliseconds, undefined, { signal }).catch(() => {})
}
