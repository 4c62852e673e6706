import { second } from '../ground/clock.ts'
import { toMicroseconds } from './gcra.ts'

/** What the store last told of a counter. Times are microseconds. */
type Known = { readonly tat: number; readonly toldAt: number }

/** Counters of the store as this process last heard of them; never more than a bounded number. */
export type KnownCounters = {
  readonly find: (key: string) => Known | undefined
  readonly note: (key: string, known: Known) => void
  readonly forget: (key: string) => void
}

const capacity = 10_000

/** So long a counter that refuses is believed: a flood over its limit asks the store once in this time. */
const believedFor = toMicroseconds(second)

export const isBelieved = ({ toldAt }: Known, now: number): boolean => now - toldAt < believedFor

/** When full, the one heard of longest ago makes room: whoever is asked for again costs a question more. */
export const createKnownCounters = (): KnownCounters => {
  const counters = new Map<string, Known>()
  return {
    find: key => counters.get(key),
    note: (key, known) => {
      counters.delete(key)
      if (counters.size === capacity)
        for (const oldest of counters.keys()) {
          counters.delete(oldest)
          break
        }
      counters.set(key, known)
    },
    forget: key => void counters.delete(key),
  }
}
