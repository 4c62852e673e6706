import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'

export type Seeded = {
  readonly seed: number
  /** A whole number from 0, below `bound`. */
  readonly below: (bound: number) => number
  readonly pick: <T>(list: readonly T[]) => T
  /** True once in so many times. */
  readonly oneIn: (times: number) => boolean
}

const readSeed = (): number => Number(process.env.TEST_SEED ?? randomInt(2 ** 31))

/** Random choices that can be made again: the seed is printed, and `TEST_SEED` sets it. */
export const createSeeded = (t: Pick<TestContext, 'diagnostic'>, seed = readSeed()): Seeded => {
  t.diagnostic(`TEST_SEED=${seed}`)
  let state = seed
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
  return {
    seed,
    below,
    pick: list => list[below(list.length)] as (typeof list)[number],
    oneIn: times => below(times) === 0,
  }
}
