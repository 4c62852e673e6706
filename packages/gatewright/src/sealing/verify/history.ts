import type { AuditEventRow } from '../../storage/tables.ts'
import type { Pruning } from './entry.ts'

/** What events of the chain itself say of what is missing in it. */
export type Restore = {
  /** The place of its event. */
  readonly position: number
  readonly at: number
  /** The last position that its backup had. */
  readonly sealedTo: number
}

type Details = {
  readonly sealed_to?: unknown
  readonly events?: unknown
  readonly to?: unknown
  readonly hash?: unknown
}

const parseDetails = (text: string): Details => {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

/** `17`, or `100-120` */
const toRange = (text: unknown): readonly [number, number] | undefined => {
  const [, from, to = from] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(String(text)) ?? []
  return from === undefined ? undefined : [Number(from), Number(to)]
}

/** Collects erasures and restores as they come by in the chain. */
export const createHistory = () => {
  const restores: Restore[] = []
  const erased: (readonly [number, number])[] = []
  const pruned = new Set<string>()
  const read: Readonly<Record<string, (details: Details, position: number, row: AuditEventRow) => void>> = {
    'database.adopted': ({ sealed_to }, position, { at }) => {
      if (typeof sealed_to === 'number') restores.push({ position, at, sealedTo: sealed_to })
    },
    // Nobody has erased what was not there yet.
    'audit.erased': ({ events }, _position, { id }) => {
      if (!Array.isArray(events)) return
      const ranges = events.flatMap(text => [toRange(text) ?? []].filter(isPair))
      erased.push(...ranges.map(([from, to]) => [from, Math.min(to, id - 1)] as const))
    },
    'audit.pruned': ({ to, hash }) => {
      pruned.add(`${to} ${hash}`)
    },
  }
  return {
    note: (row: AuditEventRow, position: number): void =>
      read[row.event]?.(parseDetails(row.details), position, row),
    restores: (): readonly Restore[] => restores,
    isPruned: ({ to, hash }: Pick<Pruning, 'to' | 'hash'>): boolean => pruned.has(`${to} ${hash}`),
    isErased: (eventId: number): boolean => erased.some(([from, to]) => from <= eventId && eventId <= to),
  }
}

const isPair = (range: readonly number[]): range is readonly [number, number] => range.length === 2

export type History = ReturnType<typeof createHistory>
