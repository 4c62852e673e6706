import { setTimeout as delay } from 'node:timers/promises'

const interval = 5

/** Milliseconds until `holds` first gave true (or resolved to it). Fails after `within`, naming `what`. */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  within = 10_000,
): Promise<number> => {
  const start = performance.now()
  while (!(await holds())) {
    if (performance.now() - start > within) throw new Error(`not within ${within} ms: ${what}`)
    await delay(interval)
  }
  return performance.now() - start
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
