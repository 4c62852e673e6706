import type { Clock } from '../ground/clock.ts'

/** What was read is told to others for so many times as long as it took, within these bounds in milliseconds. */
const [longerThanReading, shortest, longest] = [20, 100, 1_000]

/**
 * Reads once for all who ask for the same within a moment: what anybody may ask for, as often as limits let
 * everybody together, then takes a twentieth of the time at most.
 */
export const shareForAWhile = <Input, Output>(
  clock: Pick<Clock, 'monotonic'>,
  read: (input: Input) => Promise<Output>,
): ((key: string, input: Input) => Promise<Output>) => {
  const shared = new Map<string, Promise<Output>>()
  return (key, input) => {
    const known = shared.get(key)
    if (known !== undefined) return known
    const began = clock.monotonic()
    const reading = read(input)
    shared.set(key, reading)
    const forget = (): void => void shared.delete(key)
    const forgetLater = (): void => {
      const pause = Math.min(longest, Math.max(shortest, (clock.monotonic() - began) * longerThanReading))
      setTimeout(forget, pause).unref()
    }
    // One that failed is asked for again by the next.
    reading.then(forgetLater, forget)
    return reading
  }
}
