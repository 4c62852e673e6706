/** What a proof has seen so far. */
export type Tally = {
  /** Kills survived. */
  runs: number
  /** Requests that were answered 2xx under load. */
  answered: number
  /** Requests without an answer that were asked again. */
  repeated: number
  /** Facts that were looked for. */
  checked: number
  /** Facts that were not there, each in words. */
  readonly lost: string[]
  /** Why it could not go on: neither a loss nor a proof. */
  readonly stopped: string[]
  /** Figures that are no count, each in words. */
  readonly notes: string[]
  /** The longest time from a kill to serving again, in milliseconds. */
  slowest: number
  /** How often each thing happened: a proof that never met one of them has shown nothing about it. */
  readonly met: Map<string, number>
}

export const newTally = (): Tally => ({
  runs: 0,
  answered: 0,
  repeated: 0,
  checked: 0,
  lost: [],
  stopped: [],
  notes: [],
  slowest: 0,
  met: new Map(),
})

export const addMet = (met: Map<string, number>, more: ReadonlyMap<string, number>): void => {
  for (const [name, times] of more) met.set(name, (met.get(name) ?? 0) + times)
}

/** Notes whether a fact holds. */
export const check = (tally: Tally, holds: boolean, what: string): void => {
  tally.checked += 1
  if (!holds) tally.lost.push(what)
}

export const addTallies = (a: Tally, b: Tally): Tally => {
  const met = new Map(a.met)
  addMet(met, b.met)
  return { ...addCounts(a, b), met }
}

const addCounts = (a: Tally, b: Tally): Omit<Tally, 'met'> => ({
  runs: a.runs + b.runs,
  answered: a.answered + b.answered,
  repeated: a.repeated + b.repeated,
  checked: a.checked + b.checked,
  lost: [...a.lost, ...b.lost],
  stopped: [...a.stopped, ...b.stopped],
  notes: [...a.notes, ...b.notes],
  slowest: Math.max(a.slowest, b.slowest),
})

/** Whether the runs so far show what they are for. */
export const hasFailed = ({ lost, stopped }: Tally): boolean => lost.length + stopped.length > 0
