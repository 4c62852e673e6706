import { createHmac } from 'node:crypto'
import type { Random } from '../ground/random.ts'

/** How far one key has come, changed in place: a request makes no object for a key that is known. */
export type Counter = {
  readonly key: string
  /** See `gcra.ts`; microseconds of this process's own clock. */
  tat: number
  /** The same by what several processes have counted; 0 where nobody has said. */
  shared: number
  /** Charges that no other process knows of yet. */
  unsent: number
  /** The time of the first of them. */
  unsentSince: number
  /** It is among those that are told next. */
  isNoted: boolean
}

/** The keys of one row in the memory of this process. */
export type MemoryCounters = {
  readonly find: (key: string, now: number) => Counter | undefined
  /** As `find`; makes one where there is none. */
  readonly hold: (key: string, now: number) => Counter
  /** Forgets a few of the keys whose time has passed: they stand as if they had never come. */
  readonly sweep: (now: number) => void
  /** How many have a counter of their own. */
  readonly size: () => number
}

const sharedCounters = 1_024

/** Picks one of the further counters by a keyed hash, which nobody outside can aim with. */
export const createSlotPicker = (random: Random): ((key: string) => number) => {
  const secret = random.bytes(32)
  return key => createHmac('sha256', secret).update(key).digest().readUInt16BE(0) % sharedCounters
}

const newCounter = (key: string, from: Counter | undefined): Counter => ({
  key,
  tat: from?.tat ?? 0,
  shared: 0,
  unsent: 0,
  unsentSince: 0,
  isNoted: false,
})

const sweptAtOnce = 4

const isPast = ({ tat, shared, isNoted }: Counter, now: number): boolean =>
  tat <= now && shared <= now && !isNoted

/**
 * Holds `capacity` keys at most. When all of them live, a new one pushes none out but shares one of 1,024
 * further counters. A key that later finds room starts from what its shared counter has used.
 */
export const createMemoryCounters = (capacity: number, pickSlot: (key: string) => number): MemoryCounters => {
  const own = new Map<string, Counter>()
  const further = new Map<number, Counter>()
  let isFurther = false
  let cursor = own.values()

  const findFurther = (key: string, now: number): Counter | undefined => {
    if (!isFurther) return undefined
    const counter = further.get(pickSlot(key))
    return counter !== undefined && counter.tat > now ? counter : undefined
  }
  const holdOwn = (key: string, now: number): Counter => {
    const counter = newCounter(key, findFurther(key, now))
    own.set(key, counter)
    return counter
  }
  const holdFurther = (key: string): Counter => {
    isFurther = true
    const slot = pickSlot(key)
    const counter = further.get(slot) ?? newCounter('', undefined)
    further.set(slot, counter)
    return counter
  }
  const clearFurther = (now: number): void => {
    for (const { tat } of further.values()) if (tat > now) return
    further.clear()
    isFurther = false
  }

  return {
    find: (key, now) => own.get(key) ?? findFurther(key, now),
    hold: (key, now) => own.get(key) ?? (own.size < capacity ? holdOwn(key, now) : holdFurther(key)),
    sweep: now => {
      for (let step = 0; step < sweptAtOnce; step += 1) {
        const next = cursor.next()
        if (next.done) {
          cursor = own.values()
          if (isFurther) clearFurther(now)
        } else if (isPast(next.value, now)) own.delete(next.value.key)
      }
    },
    size: () => own.size,
  }
}
