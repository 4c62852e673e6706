import { setTimeout as delay } from 'node:timers/promises'

/**
 * Calls `wake` whenever the feed may hold something new, until what it gives back is called. It may call
 * for nothing, too late, or never: a wake only starts a read sooner, carries nothing, and makes no view
 * younger. What is refused, and when at the latest, rests on the reads that are made by time alone.
 */
export type Waker = (wake: () => void) => () => void

/** Wakes every so many milliseconds. */
export const wakeEvery =
  (milliseconds: number): Waker =>
  wake => {
    const timer = setInterval(wake, milliseconds).unref()
    return () => clearInterval(timer)
  }

/** Between two reads that were woken: many wakes at once, or a forged stream of them, are few reads. */
const shortestPause = 5

/**
 * Makes a function that starts a read, and while that one is under way as many times as it is called one
 * more after it: a read that was sent before the wake may not have seen what the wake was for.
 * @param read gives a read that is sent after it was called
 */
export const createWake = (read: () => Promise<void>, pause = shortestPause): (() => void) => {
  let isWoken = false
  let isRunning = false
  const run = async (): Promise<void> => {
    isRunning = true
    while (isWoken) {
      isWoken = false
      await read().catch(() => {})
      await delay(pause, undefined, { ref: false })
    }
    isRunning = false
  }
  return () => {
    isWoken = true
    if (!isRunning) void run()
  }
}
