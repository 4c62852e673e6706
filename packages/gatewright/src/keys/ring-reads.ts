import type { Clock } from '../ground/clock.ts'

/** Between two reads that strangers can cause, in milliseconds. */
const distance = 250

/** Who reads when: one read at a time, whoever asks. */
export type RingReads = {
  /** The read that is under way, or a new one. */
  readonly catchUp: () => Promise<void>
  /** One that is sent from now on; all who ask before it is sent share it. */
  readonly catchUpLater: () => Promise<void>
  /** Resolves when none is under way. */
  readonly settle: () => Promise<void>
}

export const createRingReads = (clock: Clock, read: () => Promise<void>): RingReads => {
  let reading: Promise<void> | undefined
  let later: Promise<void> | undefined
  let lastLater = Number.NEGATIVE_INFINITY

  const settle = async (): Promise<void> => {
    await reading?.catch(() => {})
  }
  const catchUp = (): Promise<void> => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
  const readLater = async (): Promise<void> => {
    await clock.sleep(Math.max(0, lastLater + distance - clock.monotonic()))
    // From here on who asks gets another one: this one may be sent before they asked.
    later = undefined
    lastLater = clock.monotonic()
    await settle()
    return catchUp()
  }
  return {
    catchUp,
    catchUpLater: () => {
      later ??= readLater()
      return later
    },
    settle,
  }
}
