import type { Selectable } from 'kysely'
import type { Clock } from '../ground/clock.ts'
import { prepare } from '../storage/prepared.ts'
import type { Tables } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { noteEvents } from './event-counts.ts'
import type { AuditEventName } from './events.ts'

/** Where a change comes from. `actor` is a user's id, `command-line` or `system`. */
export type Origin = {
  readonly actor: string | null
  readonly address: string | null
  readonly requestId: string | null
}

export const systemOrigin: Origin = { actor: 'system', address: null, requestId: null }
export const commandLineOrigin: Origin = { actor: 'command-line', address: null, requestId: null }

export type AuditEntry = {
  readonly origin: Origin
  /** The user whose account it concerns. */
  readonly userId?: string
  readonly sessionId?: string
  /** A stable id of the exact reason. */
  readonly reason?: string
  /** Facts without secrets, passwords or tokens. */
  readonly details?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>
}

type EventRow = Omit<Selectable<Tables['audit_events']>, 'id'>

const insertEvent = prepare<EventRow>((db, value) =>
  db.insertInto('audit_events').values({
    at: value('at'),
    event: value('event'),
    user_id: value('user_id'),
    actor: value('actor'),
    session_id: value('session_id'),
    address: value('address'),
    request_id: value('request_id'),
    reason: value('reason'),
    details: value('details'),
  }),
)

export const toEventRow = (
  at: number,
  event: string,
  { origin, userId, sessionId, reason, details = {} }: AuditEntry,
): EventRow => ({
  at,
  event,
  user_id: userId ?? null,
  actor: origin.actor,
  session_id: sessionId ?? null,
  address: origin.address,
  request_id: origin.requestId,
  reason: reason ?? null,
  details: JSON.stringify(details),
})

/**
 * Writes one audit event in the transaction of what it records. An application that declares its own
 * events in the plugin's options names them here as well.
 */
export const recordEvent = async <Name extends string = AuditEventName>(
  { clock }: { readonly clock: Clock },
  work: Work,
  event: Name | AuditEventName,
  entry: AuditEntry,
): Promise<void> => {
  await insertEvent(work.db, toEventRow(clock.now(), event, entry))
  work.afterCommit(() => noteEvents(work.home, event))
}
