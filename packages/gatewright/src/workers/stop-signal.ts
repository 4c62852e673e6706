import type { Clock } from '../ground/clock.ts'

/** A second signal within so many milliseconds is the first one: shells and npm hand on what the terminal sent. */
const sameSignal = 300

type Stopping = {
  readonly stop: (signal: string) => void
  /** A second signal does not wait. */
  readonly stopNow: () => void
}

/** With the exit code of a program that they end. */
const signals = { SIGTERM: 143, SIGINT: 130 } as const

/**
 * The first process of a container ends by no signal that it does not listen to. Until `onStopSignal` listens, there
 * is nothing to finish: without this, whoever stops a container in its first second waits until it is killed.
 */
export const endWhileStarting = (): void => {
  if (process.pid !== 1) return
  for (const [signal, exitCode] of Object.entries(signals))
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(exitCode)
    })
}

/** Acts on SIGTERM and SIGINT. */
export const onStopSignal = (clock: Clock, { stop, stopNow }: Stopping): void => {
  let stoppingSince: number | undefined
  const onSignal = (signal: string): void => {
    const now = clock.monotonic()
    if (stoppingSince !== undefined && now - stoppingSince > sameSignal) stopNow()
    if (stoppingSince !== undefined) return
    stoppingSince = now
    stop(signal)
  }
  for (const signal of Object.keys(signals)) process.on(signal, onSignal)
}
