import type { Checkpoint } from '../../audit/checkpoint.ts'
import type { AuditEventRow } from '../../storage/tables.ts'

/** What is personal of an event, beside the chain. */
export type Personal = {
  readonly salt: string
  readonly address: string | null
  /** JSON object. */
  readonly details: string
  /** As of the event, for the search by an address; an export of a former version has none. */
  readonly at?: number
}

export const leftOut = 'left out'

/** A seal, with the event that it is of; undefined where that is gone. */
export type Entry = {
  readonly position: number
  readonly eventId: number
  readonly hash: string
  readonly previousHash: string
  readonly row: AuditEventRow | undefined
  /** `left out` of an export that says nothing of people. */
  readonly personal: Personal | typeof leftOut | undefined
  /** What a line of an export says of it beside the chain, for people and programs. */
  readonly shown?: Readonly<Record<string, unknown>>
}

export type Pruning = {
  readonly from: number
  readonly to: number
  readonly hash: string
}

/** What is verified, read in the order of the chain. */
export type ChainSource = {
  /** Entries by their positions, page by page, each with the checkpoints of its positions. */
  readonly pages: () => AsyncIterable<{
    readonly entries: readonly Entry[]
    readonly checkpoints: readonly Checkpoint[]
  }>
  /** Checkpoints behind the last entry, and those of what was pruned. */
  readonly checkpointsOutside: (from: number, to: number) => Promise<readonly Checkpoint[]>
  /** Public halves, by their ids. */
  readonly keys: ReadonlyMap<string, string>
  readonly prunings: readonly Pruning[]
  /** Events without a seal; `seen` of them have one. */
  readonly unsealed: (seen: number) => Promise<readonly { readonly id: number; readonly at: number }[]>
}
