import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

const interval = 5
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
    if (performance.now() - start > within) throw new Error(`not within ${within} ms: ${what}`)
    await delay(interval)
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
    await delay(interval)
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
