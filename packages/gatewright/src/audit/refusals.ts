import { setImmediate as immediate } from 'node:timers/promises'
import { type Clock, second } from '../ground/clock.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Database } from '../storage/tables.ts'
import { type Bounds, createRefusalCounts, type RefusalKind } from './refusal-counts.ts'
import { writeRefusals } from './write-refusals.ts'

export type RefusalsLog = {
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void
}

/**
 * Refusals that change nothing, as audit events: of credentials, of access, by limits. The first of a kind is written at once, behind the request;
 * what follows is counted in memory, at most one row a minute for each kind. A process that is killed loses
 * what it counted since.
 */
export type Refusals = {
  /** No I/O, whatever is shown. */
  readonly note: (refused: RefusalKind & { readonly requestId: string }) => void
  /** Where to say that rows can't be written. */
  readonly tell: (log: RefusalsLog) => void
  /** Writes what is due. A database that fails leaves it for a later minute. */
  readonly write: () => Promise<void>
  /** Writes all of it a last time, and waits a bounded time for that. */
  readonly stop: () => Promise<void>
}

type Dependencies = {
  readonly db: Database
  readonly clock: Clock
  /** Whether the disk has room for what may wait: where it is nearly full, only what changes something is written. */
  readonly hasRoom?: () => boolean
}

/** How often it is looked whether a minute is over for some. */
const interval = 10 * second
/** In one statement, so that it is over within a few milliseconds. */
const mostAtOnce = 200
const longestStop = 2 * second

export const createRefusals = (
  { db, clock, hasRoom = () => true }: Dependencies,
  bounds?: Bounds,
): Refusals => {
  const counts = createRefusalCounts(bounds)
  let log: RefusalsLog = { warn: () => {} }
  let writing: Promise<void> | undefined
  let isAsked = false
  let isFailing = false
  let isFull = false

  /** Nothing is taken out, so nothing is lost of the counts: they are written once there is room again. */
  const isRoomLeft = (): boolean => {
    const wasFull = isFull
    isFull = !hasRoom()
    if (isFull && !wasFull)
      log.warn({}, 'the disk is nearly full: refusals are counted on, and written once there is room')
    return !isFull
  }

  const fail = (error: unknown): void => {
    if (!isFailing) log.warn({ err: error }, 'refusals can not be written; they are counted on')
    isFailing = true
  }

  const writeDue = async (now: number): Promise<void> => {
    isAsked = false
    if (!isRoomLeft()) return
    const due = counts.takeDue(now)
    for (let at = 0; at < due.length; at += mostAtOnce) {
      try {
        await writeRefusals(db, due.slice(at, at + mostAtOnce))
        isFailing = false
      } catch (error) {
        counts.giveBack(due.slice(at))
        return fail(error)
      }
    }
  }

  /** One at a time; whoever asks meanwhile is served by the next. */
  const write = async (now = clock.now()): Promise<void> => {
    while (writing !== undefined) await writing
    writing = writeDue(now).finally(() => {
      writing = undefined
    })
    return writing
  }

  /**
   * Not in the request, which is answered first. Of all who ask, one waits for the write under way; while the
   * database fails, only the timer tries.
   */
  const writeSoon = async (): Promise<void> => {
    if (isAsked) return
    isAsked = true
    await immediate()
    if (!isFailing && !isFull) await write()
  }

  const lookAgain = (): void => {
    if (writing === undefined) void write()
  }
  const timer = setInterval(lookAgain, interval).unref()

  return {
    note: ({ requestId, ...kind }) => {
      if (counts.note(kind, { at: clock.now(), requestId })) void writeSoon()
    },
    tell: logger => {
      log = logger
    },
    write: () => write(),
    stop: async () => {
      clearInterval(timer)
      await waitAtMost(longestStop, write(Number.POSITIVE_INFINITY))
    },
  }
}
