import type { Fault } from './fault.ts'

/** How many faults are told; one is enough to know that nothing behind it can be trusted. */
const mostTold = 100

/** Faults as they are found, and those that are told. */
export const createTally = () => {
  const told: Fault[] = []
  let count = 0
  return {
    add: (fault: Fault | undefined): void => {
      if (fault === undefined) return
      count += 1
      if (told.length < mostTold) told.push(fault)
    },
    /** The first position first. */
    list: (): readonly Fault[] => told.toSorted((a, b) => a.position - b.position),
    count: () => count,
  }
}

export type Tally = ReturnType<typeof createTally>
