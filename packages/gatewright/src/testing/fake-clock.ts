import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'
import type { Clock } from '../ground/clock.ts'

/** A clock that only its test moves. */
export type FakeClock = Clock & {
  /** Moves it on by so many milliseconds. @throws TypeError for what is no number of them */
  readonly advance: (milliseconds: number) => void
}

/** As long as a request waits for the answer of a database server at most. */
const longestWait = 500

const checkStep = (milliseconds: number): void => {
  if (!Number.isFinite(milliseconds))
    throw new TypeError(`a clock moves by milliseconds, as in advance(60_000), and not by ${milliseconds}`)
}

/**
 * Sleeping takes no time, but where the database is a server: there what takes so long waits for it.
 * @param start milliseconds since 1970
 */
export const createFakeClock = ({
  start = Date.UTC(2026, 10, 21, 12),
  hasServer = false,
}: {
  readonly start?: number
  readonly hasServer?: boolean
} = {}): FakeClock => {
  let now = start
  return {
    now: () => now,
    monotonic: () => now,
    behind: () => 0,
    sleep: async milliseconds => {
      const isForServer = hasServer && milliseconds >= longestWait
      await (isForServer ? delay(milliseconds, undefined, { ref: false }) : immediate())
    },
    advance: milliseconds => {
      checkStep(milliseconds)
      now += milliseconds
    },
  }
}
