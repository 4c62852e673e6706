import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'
import { type Clock, second } from '../ground/clock.ts'

/** The last use of something that a process knows of. */
export type Use = { readonly at: number; readonly address: string }

/** What was used, by its id, and when. */
export type NotedUse = readonly [id: string, use: Use]

/**
 * When sessions that hold tokens, or API keys, were last used: a request with one asks no database, so its use is
 * noted in memory and written in the background. A process that is killed loses what it noted since its last write.
 */
export type Uses = {
  /** How often the use of one thing need be noted, in milliseconds. */
  readonly every: number
  /** No I/O. */
  readonly note: (id: string, use: Use) => void
  /** The row with the last use that this process knows of, where that is later. */
  readonly withLastUse: <Row extends UsedRow>(row: Row) => Row
  /** Writes what is noted now. A database that fails leaves it for the next time. */
  readonly write: () => Promise<void>
  /** Writes all of it a last time, and waits a bounded time for that. */
  readonly stop: () => Promise<void>
}

type UsedRow = { readonly id: string; readonly last_used_at: number | null; readonly address: string }

type Dependencies = {
  readonly clock: Clock
  readonly every: number
  /** How long it is tried to write a use, in milliseconds; else until what was used has surely ended. */
  readonly triedFor?: number
  /**
   * Writes them in one statement, but over no use that is later than `lastBefore`.
   * @returns the ids written
   */
  readonly writeUses: (uses: readonly NotedUse[], lastBefore: number) => Promise<readonly string[]>
}

/** Past this, uses go unnoted until what is noted was written: what was used then looks unused for longer. */
const mostNoted = 100_000
/** In one statement, so that it is over within a few milliseconds. */
const mostAtOnce = 400
/** A use that can't be written by then belongs to something that has ended. */
const usuallyTried = 3
const longestStop = 5 * second

export const createUses = (
  { clock, every, triedFor = usuallyTried * every, writeUses }: Dependencies,
  most = mostNoted,
): Uses => {
  let noted = new Map<string, Use>()
  let inFlight: ReadonlyMap<string, Use> = new Map()
  let writing: Promise<void> | undefined

  const isFull = (): boolean => noted.size >= most

  const keep = (id: string, use: Use): void => {
    const known = noted.get(id)
    if (known === undefined ? isFull() : known.at >= use.at) return
    noted.set(id, use)
  }

  const writeSome = async (uses: readonly NotedUse[], apart: number): Promise<void> => {
    const now = clock.now()
    const written = new Set(await writeUses(uses, now - apart).catch(() => []))
    const oldest = now - triedFor
    for (const [id, use] of uses) if (!written.has(id) && use.at > oldest) keep(id, use)
  }

  /** @param apart how long ago the use must be that stands in the database, so that not every process writes */
  const writeAll = async (apart: number): Promise<void> => {
    inFlight = noted
    noted = new Map()
    const uses = [...inFlight]
    for (let at = 0; at < uses.length; at += mostAtOnce) {
      await writeSome(uses.slice(at, at + mostAtOnce), apart)
      await immediate()
    }
    inFlight = new Map()
  }

  const write = (apart = every): Promise<void> => {
    writing ??= writeAll(apart).finally(() => {
      writing = undefined
    })
    return writing
  }

  const timer = setInterval(write, every).unref()

  return {
    every,
    note: (id, use) => {
      if (isFull()) void write()
      keep(id, use)
    },
    withLastUse: row => {
      const use = noted.get(row.id) ?? inFlight.get(row.id)
      return use === undefined || use.at <= (row.last_used_at ?? 0)
        ? row
        : { ...row, last_used_at: use.at, address: use.address }
    },
    write: () => write(),
    stop: async () => {
      clearInterval(timer)
      const enough = new AbortController()
      const tooLate = delay(longestStop, undefined, enough).catch(() => {})
      await Promise.race([write().then(() => write(0)), tooLate])
      enough.abort()
    },
  }
}
