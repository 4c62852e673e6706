import { eventCountsOf } from '../audit/event-counts.ts'
import { type Clock, hour, minute, second, timeAsSet } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Database } from '../storage/tables.ts'
import { countFigures, type Figures, figureNames, toFigures } from './figures.ts'

/** Answers by status, since the process began. */
export type ReadAnswers = () => ReadonlyMap<number, number>

export type MinutesLog = {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

/**
 * Writes each minute what this process counted in it, in one statement of one row. A process that is killed loses
 * the minute under way, and no other one counts it; a database that fails is told later.
 *
 * No row is ever changed: it has the name of its process and a number that the process counts up, so the same row
 * written twice, because the answer to the first time was lost, is there once. Two processes never write to the same
 * row, whatever their clocks say.
 */
export type Minutes = {
  /** Adds a source of answers; requests pay nothing for it. */
  readonly countAnswers: (read: ReadAnswers) => void
  /** Writes from now on, each minute: a command line does not. */
  readonly start: (log: MinutesLog) => void
  /** Writes what was counted until now. */
  readonly write: () => Promise<void>
  /** Writes it a last time, and waits a bounded time for that. */
  readonly stop: () => Promise<void>
}

type Dependencies = { readonly db: Database; readonly clock: Clock; readonly random: Random }
type Batch = Figures & { readonly process: string; readonly batch: number; readonly start: number }
type Waiting = { readonly row: Batch; readonly since: number }

/** As many minutes wait for a database that fails. */
const mostWaiting = 720
/** One that was perhaps written is not written again when it may have been added to its hour since. */
const longestWait = 12 * hour
const mostAtOnce = 100
const longestStop = 2 * second

/** Of several sources together. */
const addAll = (sources: readonly ReadAnswers[]): ReadonlyMap<number, number> => {
  const all = new Map<number, number>()
  for (const read of sources)
    for (const [status, count] of read()) all.set(status, (all.get(status) ?? 0) + count)
  return all
}

export const createMinutes = ({ db, clock, random }: Dependencies): Minutes => {
  const process = newId(random)
  const sources: ReadAnswers[] = []
  const waiting: Waiting[] = []
  const count = (): Figures => countFigures(addAll(sources), eventCountsOf(db))
  const thisMinute = (): number => Math.floor(timeAsSet(clock) / minute) * minute
  let told = count()
  let begun = thisMinute()
  let batch = 0
  let writing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let log: MinutesLog = { warn: () => {} }
  let isFailing = false

  /** Ends the minute under way; one in which nothing happened is no row. */
  const cut = (): void => {
    const now = count()
    const since = toFigures(name => now[name] - told[name])
    const start = begun
    told = now
    begun = thisMinute()
    if (figureNames.every(name => since[name] === 0)) return
    batch += 1
    waiting.push({ row: { process, batch, start, ...since }, since: clock.monotonic() })
    if (waiting.length > mostWaiting) waiting.shift()
  }

  const forgetOld = (): void => {
    while (waiting[0] !== undefined && clock.monotonic() - waiting[0].since > longestWait) waiting.shift()
  }

  const writeWaiting = async (): Promise<void> => {
    forgetOld()
    while (waiting.length > 0) {
      const rows = waiting.slice(0, mostAtOnce).map(({ row }) => row)
      await db
        .insertInto('statistics_minutes')
        .values(rows)
        .onConflict(conflict => conflict.columns(['process', 'batch']).doNothing())
        .execute()
      const last = rows.at(-1)?.batch ?? 0
      while (waiting[0] !== undefined && waiting[0].row.batch <= last) waiting.shift()
    }
  }

  const tryToWrite = async (): Promise<void> => {
    try {
      await writeWaiting()
      isFailing = false
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, 'statistics can not be written; they are kept for later')
      isFailing = true
    }
  }

  const write = async (): Promise<void> => {
    cut()
    while (writing !== undefined) await writing
    writing = tryToWrite().finally(() => {
      writing = undefined
    })
    return writing
  }

  /** At the end of the minute by the clock as it is then. */
  const writeLater = (): void => {
    const rest = minute - (timeAsSet(clock) % minute)
    timer = setTimeout(() => {
      if (writing === undefined) void write()
      else cut()
      writeLater()
    }, rest).unref()
  }

  return {
    countAnswers: read => void sources.push(read),
    start: logger => {
      log = logger
      if (timer === undefined) writeLater()
    },
    write,
    stop: async () => {
      clearTimeout(timer)
      if (timer !== undefined) await waitAtMost(longestStop, write())
    },
  }
}
