import { type Clock, day, hour, minute, startOfDay } from '../ground/clock.ts'
import { createUses, type NotedUse } from '../sessions/uses.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { type DayOfUse, type HolderKind, writePermissionUses } from './write-permission-uses.ts'

/**
 * Which permissions were used, by the day (UTC). No request waits for it: a use is noted in memory once a day for
 * each holder and permission, and written in the background, each minute: a process that is killed loses what it
 * noted in the last one.
 */
export type PermissionUses = {
  /** No I/O. */
  readonly note: (kind: HolderKind, id: string, permission: string) => void
  /** Uses of this day in memory. */
  readonly size: () => number
  /** Writes what is noted now. A database that fails leaves it for the next time. */
  readonly write: () => Promise<void>
  /** Writes all of it a last time, and waits a bounded time for that. */
  readonly stop: () => Promise<void>
}

/** The longest time that the review can look back. */
export const usesKeptFor = 400 * day

/** Past so many in a day they are noted twice, and written twice: it costs no more than that. */
const mostKnown = 50_000

/** Neither part holds it: ids and names of roles are one word, and what stands for a role has a space. */
const separator = '\n'

const toId = ({ kind, holder, permission }: Omit<DayOfUse, 'day'>): string =>
  [kind, holder, permission].join(separator)

const toDay = ([id, { at }]: NotedUse): DayOfUse => {
  const [kind, holder, permission] = id.split(separator) as [HolderKind, string, string]
  return { kind, holder, permission, day: startOfDay(at) }
}

export const createPermissionUses = (
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  most = mostKnown,
): PermissionUses => {
  const known = new Set<string>()
  let today = Number.NEGATIVE_INFINITY
  const uses = createUses({
    clock,
    every: minute,
    triedFor: hour,
    writeUses: async noted => {
      const days = noted.map(toDay)
      return (await inTransaction(db, work => writePermissionUses(work, days))).map(toId)
    },
  })
  return {
    note: (kind, holder, permission) => {
      const at = clock.now()
      if (at >= today + day || known.size >= most) {
        today = startOfDay(at)
        known.clear()
      }
      const id = toId({ kind, holder, permission })
      if (known.has(id)) return
      known.add(id)
      uses.note(id, { at, address: '' })
    },
    size: () => known.size,
    write: uses.write,
    stop: uses.stop,
  }
}
