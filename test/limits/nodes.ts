import { systemRandom } from 'gatewright/random'
import { sha256 } from '../../packages/gatewright/src/ground/encoding.ts'
import type { CounterStore } from '../../packages/gatewright/src/limits/counter-store.ts'
import { createLimiter, type Limiter } from '../../packages/gatewright/src/limits/limiter.ts'
import { createSharedSums } from '../../packages/gatewright/src/limits/shared-sums.ts'

/** A process that limits, beside others of its kind on one store. */
export type Node = { readonly limiter: Limiter; readonly addUp: () => Promise<void> }

/** Milliseconds, the same for all nodes. */
export type Time = {
  at: number
  /** How wrong the clock is that tells the time: monotonic ones are never. */
  wrong?: number
}

export type Nodes = { readonly all: readonly Node[]; readonly stop: () => Promise<void> }

/**
 * @param time is moved by the test; each node has a monotonic clock of its own
 * @param behind how far the clock of each was set back since that started
 */
export const openNodes = (
  stores: readonly CounterStore[],
  time: Time,
  behind: readonly number[] = [],
): Nodes => {
  const opened = stores.map((store, index) => {
    const setBack = behind[index] ?? 0
    const clock = {
      now: () => time.at + (time.wrong ?? 0) + setBack,
      behind: () => setBack,
      monotonic: () => time.at - index * 12_345.678,
    }
    const otherServers = () => stores.length - 1
    const sums = createSharedSums({ store, clock, hashKey: sha256, otherServers })
    const options = { clock, random: systemRandom, tally: sums.tally }
    return { ...sums, limiter: createLimiter(options, { store, clock, hashKey: sha256 }) }
  })
  return {
    all: opened,
    stop: async () => {
      await Promise.all(opened.map(({ stop }) => stop()))
    },
  }
}
