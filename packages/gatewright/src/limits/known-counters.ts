import { second } from '../ground/clock.ts'
import { toMicroseconds } from './gcra.ts'

/** What the store last told of a counter. Times are microseconds. */
type Known = { tat: number; toldAt: number }

/** Counters of the store as this process last heard of them; never more than a bounded number. */
export type KnownCounters = {
  readonly find: (key: string) => Readonly<Known> | undefined
  readonly note: (key: string, tat: number, toldAt: number) => void
  readonly forget: (key: string) => void
}

const capacity = 10_000

/**
 * So long a counter that refuses is believed: a flood over its limit asks the store once in this time. A clock
 * that was set by more, forward or back, has it asked at once.
 */
const believedFor = toMicroseconds(second)

export const isBelieved = ({ toldAt }: Readonly<Known>, now: number): boolean =>
  Math.abs(now - toldAt) < believedFor

/** When full, the one that was first heard of makes room: whoever is asked for again costs a question more. */
export const createKnownCounters = (): KnownCounters => {
  const counters = new Map<string, Known>()
  const makeRoom = (): void => {
    if (counters.size < capacity) return
    const { value } = counters.keys().next()
    if (value !== undefined) counters.delete(value)
  }
  return {
    find: key => counters.get(key),
    note: (key, tat, toldAt) => {
      const known = counters.get(key)
      if (known !== undefined) {
        known.tat = tat
        known.toldAt = toldAt
        return
      }
      makeRoom()
      counters.set(key, { tat, toldAt })
    },
    forget: key => void counters.delete(key),
  }
}
