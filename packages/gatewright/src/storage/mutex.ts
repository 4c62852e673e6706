export type Mutex = {
  readonly isHeld: () => boolean
  readonly acquire: () => Promise<void>
  readonly release: () => void
  /** How many wait. */
  readonly waiting: () => number
}

/** One at a time, in order of asking. */
export const createMutex = (): Mutex => {
  const waiting: (() => void)[] = []
  let held = false
  return {
    isHeld: () => held,
    waiting: () => waiting.length,
    acquire: () => {
      if (held) return new Promise<void>(resolve => waiting.push(resolve))
      held = true
      return Promise.resolve()
    },
    release: () => {
      const next = waiting.shift()
      if (next === undefined) held = false
      else next()
    },
  }
}
