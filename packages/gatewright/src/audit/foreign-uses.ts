import { setImmediate as immediate } from 'node:timers/promises'
import { type Clock, day } from '../ground/clock.ts'
import { waitAtMost } from '../ground/wait-at-most.ts'
import type { Database } from '../storage/tables.ts'
import { auditEvents } from './events.ts'
import { type NewEvent, toNewEvent } from './new-event.ts'
import type { RefusalsLog } from './refusals.ts'
import { writeEvents } from './write-events.ts'

/** A token of another issuer that was let in, and the request that showed it. */
export type ForeignUse = {
  readonly issuer: string
  readonly subject: string
  readonly clientId: string | undefined
  /** Stands for issuer and subject together. */
  readonly foreignId: string
  /** The user for whom it acts; undefined where it acts for itself. */
  readonly userId: string | undefined
  readonly address: string
  readonly requestId: string
}

/**
 * That tokens of another issuer were used, as audit events: one row for the first of each subject in a day (UTC),
 * behind the request. Not one for each token: whoever may have as many as they like would decide how much is
 * written. Each process looks whether another has written it; two that begin at once may both. What can't be written
 * is noted again by the next request of that subject.
 */
export type ForeignUses = {
  /** No I/O. */
  readonly note: (use: ForeignUse) => void
  /** Where to say that rows can't be written. */
  readonly tell: (log: RefusalsLog) => void
  /** Writes what is noted a last time, and waits a bounded time for that. */
  readonly stop: () => Promise<void>
}

type Noted = { readonly use: ForeignUse; readonly at: number }

/** Subjects in memory; of more, the one noted first is looked up again. */
const mostKnown = 10_000
/** In one statement, so that it is over within a few milliseconds. */
const mostAtOnce = 200
const longestStop = 2_000

const event = 'issuer.token-used'

const dayOf = (at: number): number => Math.floor(at / day)

const toEvent = ({ use: { issuer, subject, clientId, foreignId, userId, ...request }, at }: Noted) =>
  toNewEvent(auditEvents, {
    at,
    event,
    origin: { actor: userId ?? foreignId, ...request },
    userId: userId ?? foreignId,
    sessionId: foreignId,
    details: { issuer, subject, client: clientId ?? null },
  })

type Row = NewEvent['row']

const markOf = ({ user_id, session_id, at }: Pick<Row, 'user_id' | 'session_id' | 'at'>): string =>
  `${user_id} ${session_id} ${dayOf(at)}`

/** Those that another process, or this one before a restart, has written. */
const findWritten = async (db: Database, rows: readonly Row[]): Promise<ReadonlySet<string>> => {
  const found = await db
    .selectFrom('audit_events')
    .select(['user_id', 'session_id', 'at'])
    .where('user_id', 'in', [...new Set(rows.map(row => row.user_id))])
    .where('at', '>=', Math.min(...rows.map(({ at }) => dayOf(at))) * day)
    .where('event', '=', event)
    .execute()
  return new Set(found.map(markOf))
}

const writeUses = async (db: Database, noted: readonly Noted[]): Promise<void> => {
  const events = noted.map(toEvent)
  const rows = events.map(({ row }) => row)
  const written = await findWritten(db, rows)
  await writeEvents(
    db,
    events.filter(({ row }) => !written.has(markOf(row))),
  )
}

export const createForeignUses = ({
  db,
  clock,
}: {
  readonly db: Database
  readonly clock: Clock
}): ForeignUses => {
  const known = new Map<string, { readonly day: number; readonly userId: string | undefined }>()
  const pending: Noted[] = []
  let writing: Promise<void> | undefined
  let log: RefusalsLog = { warn: () => {} }
  let isFailing = false

  const forget = (noted: readonly Noted[], error: unknown): void => {
    for (const { use } of noted) known.delete(use.foreignId)
    if (!isFailing) log.warn({ err: error }, 'uses of other issuers’ tokens can not be written')
    isFailing = true
  }

  const writeAll = async (): Promise<void> => {
    // Not in the request, which is answered first.
    await immediate()
    while (pending.length > 0) {
      const some = pending.splice(0, mostAtOnce)
      try {
        await writeUses(db, some)
        isFailing = false
      } catch (error) {
        forget(some, error)
      }
    }
  }

  const writeSoon = (): Promise<void> => {
    writing ??= writeAll().finally(() => {
      writing = undefined
    })
    return writing
  }

  return {
    note: use => {
      const at = clock.now()
      const today = dayOf(at)
      const last = known.get(use.foreignId)
      if (last?.day === today && last.userId === use.userId) return
      known.delete(use.foreignId)
      if (known.size >= mostKnown) known.delete(known.keys().next().value as string)
      known.set(use.foreignId, { day: today, userId: use.userId })
      pending.push({ use, at })
      void writeSoon()
    },
    tell: told => {
      log = told
    },
    stop: async () => {
      if (pending.length > 0 || writing !== undefined) await waitAtMost(longestStop, writeSoon())
    },
  }
}
