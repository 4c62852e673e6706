import { availableParallelism } from 'node:os'
import { createSeeded } from '../sessions/seeded.ts'
import type { Asked } from './arguments.ts'
import { type ProofName, proofs } from './table.ts'
import { hasFailed, newTally, type Tally } from './tally.ts'

/** Some runs of a proof on one database, which can be repeated by their seed. */
export type Link = {
  readonly name: ProofName
  readonly seed: number
  readonly runs: number
  readonly tally: Tally
}

const atOnce = Math.min(4, availableParallelism())

/** The first chain has the seed that was asked for, so that a chain of its own is the same chain. */
export const planChains = ({ names, runs, seed }: Asked): readonly Link[] =>
  names.flatMap(name => {
    const { runs: usual, chain: longestChain } = proofs[name]
    const all = runs ?? usual
    return Array.from({ length: Math.ceil(all / longestChain) }, (_, index) => ({
      name,
      seed: seed + index,
      runs: Math.min(longestChain, all - index * longestChain),
      tally: newTally(),
    }))
  })

const runChain = async ({ name, seed, runs, tally }: Link): Promise<void> => {
  const ends: (() => Promise<void>)[] = []
  const owner = { after: (end: () => Promise<void>) => void ends.unshift(end) }
  const seeded = createSeeded({ diagnostic: () => {} }, seed)
  try {
    await proofs[name].prove({ owner, runs, seeded, tally })
  } catch (error) {
    tally.stopped.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    for (const end of ends) await end()
  }
}

/** Runs them, some at once, until all are done or something goes wrong. */
export const runChains = async (chains: readonly Link[], tick: () => void): Promise<void> => {
  const waiting = [...chains]
  const work = async (): Promise<void> => {
    for (let chain = waiting.shift(); chain !== undefined; chain = waiting.shift()) {
      await runChain(chain)
      if (hasFailed(chain.tally)) waiting.length = 0
      tick()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}
