import type { Clock } from '../ground/clock.ts'

/** A second signal within so many milliseconds is the first one: shells and npm hand on what the terminal sent. */
const sameSignal = 300

type Stopping = {
  readonly stop: (signal: string) => void
  /** A second signal does not wait. */
  readonly stopNow: () => void
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
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, onSignal)
}
