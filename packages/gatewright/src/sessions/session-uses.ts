import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises'
import { type Clock, second } from '../ground/clock.ts'
import type { RoleTable } from '../permissions/roles.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { administratorTimes, noteEvery, type SessionTimes } from './session-times.ts'
import { type SessionUse, writeUses } from './write-uses.ts'

/**
 * When sessions were last used that hold tokens: a request with one asks no database, so its use is noted in
 * memory and written in the background. A process that is killed loses what it noted since its last write.
 */
export type SessionUses = {
  /** How often one session's use need be noted, in milliseconds. */
  readonly every: number
  /** No I/O. */
  readonly note: (sessionId: string, use: SessionUse) => void
  /** The row with the last use that this process knows of, where that is later. */
  readonly withLastUse: <Row extends UsedRow>(row: Row) => Row
  /** Writes what is noted now. A database that fails leaves it for the next time. */
  readonly write: () => Promise<void>
  /** Writes all of it a last time, and waits a bounded time for that. */
  readonly stop: () => Promise<void>
}

type UsedRow = Pick<SessionRow, 'id' | 'last_used_at' | 'address'>

type Dependencies = {
  readonly db: Database
  readonly clock: Clock
  readonly settings: SessionTimes
  readonly roleTable: RoleTable
}

/** Past this, uses go unnoted until what is noted was written: a session then looks unused for longer. */
const mostNoted = 100_000
/** In one statement, so that it is over within a few milliseconds. */
const mostAtOnce = 400
/** A use that can't be written by then belongs to a session that has ended. */
const triedFor = 3
const longestStop = 5 * second

export const createSessionUses = (dependencies: Dependencies, most = mostNoted): SessionUses => {
  const { clock, settings } = dependencies
  const every = noteEvery(administratorTimes(settings))
  let noted = new Map<string, SessionUse>()
  let inFlight: ReadonlyMap<string, SessionUse> = new Map()
  let writing: Promise<void> | undefined

  const isFull = (): boolean => noted.size >= most

  const keep = (id: string, use: SessionUse): void => {
    const known = noted.get(id)
    if (known === undefined ? isFull() : known.at >= use.at) return
    noted.set(id, use)
  }

  const writeSome = async (
    uses: readonly (readonly [string, SessionUse])[],
    apart: number,
  ): Promise<void> => {
    const now = clock.now()
    const written = new Set(await writeUses(dependencies, uses, now - apart).catch(() => []))
    const oldest = now - triedFor * every
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
      return use === undefined || use.at <= row.last_used_at
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
