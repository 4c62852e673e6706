import type { Seeded } from '../sessions/seeded.ts'
import type { Owner } from './installation.ts'
import type { Tally } from './tally.ts'

/** So many runs, one after the other, on something of their own that ends with its owner. */
export type Chain = {
  readonly owner: Owner
  readonly runs: number
  readonly seeded: Seeded
  readonly tally: Tally
}
