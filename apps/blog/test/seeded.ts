import { createHash, randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'

/** Random choices that can be made again: the seed is printed, and `TEST_SEED` sets it. */
export const createSeeded = (
  t: Pick<TestContext, 'diagnostic'>,
  seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 31)),
) => {
  t.diagnostic(`TEST_SEED=${seed}`)
  let count = 0
  const below = (bound: number): number =>
    createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32BE() % bound
  return {
    /** A whole number from 0, below `bound`. */
    below,
    pick: <T>(list: readonly T[]): T => list[below(list.length)] as T,
    /** True once in so many times. */
    oneIn: (times: number): boolean => below(times) === 0,
  }
}

export type Seeded = ReturnType<typeof createSeeded>
