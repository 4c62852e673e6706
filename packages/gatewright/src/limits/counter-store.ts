/** One request on one counter, which several processes share. Times are whole microseconds. */
export type Charge = {
  /** Tells nothing of whom it counts. */
  readonly key: string
  readonly step: number
  readonly capacity: number
}

/** Where counters stand, in the order in which they were asked for: after the charge where it was allowed. */
export type Counted = { readonly allowed: boolean; readonly tats: readonly number[] }

/** What one process has let through on one counter since it last told, worth `amount` microseconds. */
export type Sum = {
  readonly key: string
  readonly amount: number
  /** How far the counter may be ahead by what all of them have let through. */
  readonly capacity: number
}

/**
 * Where several processes count together, by the algorithm of `gcra.ts`. `now` is the same clock for all of
 * them; it may have been wrong and set right since, so each counter counts as far as it is `believed`. Each
 * throws where the store can't be had.
 */
export type CounterStore = {
  /** Charges every counter if all of them allow it, and none otherwise: one atomic step. */
  readonly take: (charges: readonly Charge[], now: number) => Promise<Counted>
  /** Takes one charge of each back. */
  readonly giveBack: (charges: readonly Charge[], now: number) => Promise<void>
  /**
   * Adds what was let through already, the first of it at `since`.
   * @returns where each counter stands now
   */
  readonly add: (sums: readonly Sum[], since: number) => Promise<readonly number[]>
}
