import type { Checkpoint } from '../../audit/checkpoint.ts'
import type { Anchor } from './anchor.ts'
import type { ChainSource } from './entry.ts'
import type { Fault } from './fault.ts'
import type { History, Restore } from './history.ts'
import type { Tally } from './tally.ts'

export type Options = {
  readonly source: ChainSource
  /** Without it the record can speak for itself alone. */
  readonly anchor?: Anchor | undefined
  /** Positions of restores that somebody knows of: what they have lost is told, and is no fault. */
  readonly knownRestores?: readonly number[]
  readonly now: number
  /** Called every now and then, with how far it has come. */
  readonly onProgress?: (position: number) => void
}

export type Lost = Restore & { readonly from: number; readonly to: number }

export type Verdict = {
  /** The first position that is there, and the last. */
  readonly beginning: number
  readonly position: number
  readonly events: number
  readonly erased: number
  readonly checkpoints: number
  /** Not sealed yet, for less than a minute: nothing is wrong with that. */
  readonly waiting: number
  /** Up to here, and when it was signed, a checkpoint from outside says that nothing was changed. */
  readonly anchored: { readonly position: number; readonly at: string } | undefined
  readonly restores: readonly Restore[]
  /** What restores have lost, as checkpoints from outside show. */
  readonly lost: readonly Lost[]
  /** The first position first; of very many only some. */
  readonly faults: readonly Fault[]
  readonly faultCount: number
}

export type Pass = {
  readonly options: Options
  readonly tally: Tally
  readonly history: History
  /** Personal fields that are not there: an erasure that names them may come later in the chain. */
  readonly missing: Map<number, number>
  /** Of the anchor, what does not fit: a restore may come later in the chain that explains it. */
  readonly unfit: Checkpoint[]
  /** The first place of each kind of line: an export has what is personal, or leaves all of it out. */
  readonly mixed: { left?: number; shown?: number }
  readonly counts: { events: number; checkpoints: number; anchored: Verdict['anchored']; newest: number }
}
