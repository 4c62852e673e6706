import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

/**
 * Milliseconds to rest after waiting so long: a twentieth of it, so that what is waited for is not slowed down
 * by being asked all the time.
 */
const restAfter = (waited: number): number => Math.min(50, Math.max(5, waited / 20))

/** Long, for machines that have much else to do: only what fails takes it. */
const longestWait = 30_000

/** Milliseconds until `holds` first gave true (or resolved to it). Fails after `within`, naming `what`. */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  within = longestWait,
): Promise<number> => {
  const start = performance.now()
  while (!(await holds())) {
    const waited = performance.now() - start
    if (waited > within) throw new Error(`not within ${within} ms: ${what}`)
    await delay(restAfter(waited))
  }
  return performance.now() - start
}

/** Reads until it is what is expected, as a page becomes it a moment later. Fails with what was read last. */
export const untilEqual = async <T>(
  read: () => T | Promise<T>,
  expected: T,
  within = longestWait,
): Promise<void> => {
  const start = performance.now()
  let actual = await read()
  while (!isDeepStrictEqual(actual, expected) && performance.now() - start < within) {
    await delay(restAfter(performance.now() - start))
    actual = await read()
  }
  assert.deepEqual(actual, expected)
}

/** The promise, or a failure naming `what` once `within` milliseconds have passed. */
export const within = async <T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> => {
  const timeout = new AbortController()
  const late = delay(milliseconds, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`not within ${milliseconds} ms: ${what}`)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    late.catch(() => {})
    timeout.abort()
  }
}
