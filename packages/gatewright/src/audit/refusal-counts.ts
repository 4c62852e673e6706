import { minute } from '../ground/clock.ts'

type ProvenOwner = { readonly userId: string } & (
  | { readonly sessionId: string; readonly apiKey?: never }
  | { readonly apiKey: string; readonly sessionId?: never }
)

/** The audit events that count: a row tells of many refusals. */
export type CountedEvent = 'credential.refused' | 'access.refused' | 'limit.exceeded' | 'request.refused'

/** What is counted together. */
export type RefusalKind = {
  readonly event: CountedEvent
  readonly reason: string
  /** The permission or rule that the caller lacked, as access rules read. */
  readonly lacks?: string | undefined
  /** Null where several groups are counted as one. */
  readonly addressGroup: string | null
  /** Whose request it was; only where the credential is proven ours. */
  readonly session: ProvenOwner | undefined
}

/** One refused request. */
export type RefusedRequest = { readonly at: number; readonly requestId: string }

type Tally = { readonly count: number; readonly first: RefusedRequest; readonly last: RefusedRequest }

/** Refusals of one kind that no row tells of yet. */
export type CountedRefusals = { readonly kind: RefusalKind; readonly tally: Tally }

export type Bounds = {
  /** Kinds counted each by itself; of them, those that no session of ours stands behind. */
  readonly kinds: number
  readonly ofStrangers: number
  /** Reasons counted each by itself, for what finds no room as a kind. */
  readonly reasons: number
}

/** Together they are also the most rows that one process writes in a minute. */
const usualBounds: Bounds = { kinds: 1_000, ofStrangers: 750, reasons: 100 }

export type RefusalCounts = {
  /** @returns whether a row is due: it is the first of its kind, or none was written for a minute */
  readonly note: (kind: RefusalKind, request: RefusedRequest) => boolean
  /** Takes out what is due, and it is due again a minute later. Kinds that were not seen since are forgotten. */
  readonly takeDue: (now: number) => readonly CountedRefusals[]
  /** What could not be written is counted on, and due when its minute is over. */
  readonly giveBack: (taken: readonly CountedRefusals[]) => void
  /** Kinds in memory. */
  readonly size: () => number
}

type Entry = { readonly kind: RefusalKind; tally: Tally | undefined; dueAt: number }

const add = (earlier: Tally | undefined, later: Tally): Tally =>
  earlier === undefined
    ? later
    : { count: earlier.count + later.count, first: earlier.first, last: later.last }

const keyOf = ({ event, reason, lacks, addressGroup, session }: RefusalKind): string =>
  `${event}\n${reason}\n${lacks}\n${addressGroup}\n${session?.sessionId ?? session?.apiKey}`

const anybody = { addressGroup: null, session: undefined } as const

/**
 * Counts refusals by event, reason, address group and principal, in bounded memory: what finds no room is counted
 * by its event and reason alone, and past that by its event, as `others`. None is dropped: the sum of all counts is the number of
 * refusals. Strangers leave room for those that show something of ours, which nobody can make up.
 */
export const createRefusalCounts = (bounds: Bounds = usualBounds): RefusalCounts => {
  const entries = new Map<string, Entry>()

  /** Undefined where it is new, and there are as many as there may be. */
  const open = (kind: RefusalKind, most: number): Entry | undefined => {
    const key = keyOf(kind)
    const known = entries.get(key)
    if (known !== undefined || entries.size >= most) return known
    const entry = { kind, tally: undefined, dueAt: Number.NEGATIVE_INFINITY }
    entries.set(key, entry)
    return entry
  }

  const entryOf = (kind: RefusalKind): Entry =>
    open(kind, kind.session === undefined ? bounds.ofStrangers : bounds.kinds) ??
    open({ ...anybody, event: kind.event, reason: kind.reason }, bounds.kinds + bounds.reasons) ??
    openAlways({ ...anybody, event: kind.event, reason: 'others' })

  const openAlways = (kind: RefusalKind): Entry => open(kind, Number.POSITIVE_INFINITY) as Entry

  return {
    note: (kind, request) => {
      const entry = entryOf(kind)
      entry.tally = add(entry.tally, { count: 1, first: request, last: request })
      return entry.dueAt <= request.at
    },
    takeDue: now => {
      const due: CountedRefusals[] = []
      for (const [key, entry] of entries) {
        const { kind, tally, dueAt } = entry
        if (dueAt > now) continue
        if (tally === undefined) entries.delete(key)
        else {
          due.push({ kind, tally })
          entry.tally = undefined
          entry.dueAt = now + minute
        }
      }
      return due
    },
    giveBack: taken => {
      for (const { kind, tally } of taken) {
        const entry = openAlways(kind)
        entry.tally = entry.tally === undefined ? tally : add(tally, entry.tally)
      }
    },
    size: () => entries.size,
  }
}
