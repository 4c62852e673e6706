import type { Clock } from '../ground/clock.ts'
import type { Work } from '../storage/transaction.ts'
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

/**
 * Writes one audit event in the transaction of what it records. An application that declares its own
 * events in the plugin's options names them here as well.
 */
export const recordEvent = async <Name extends string = AuditEventName>(
  { clock }: { readonly clock: Clock },
  work: Work,
  event: Name | AuditEventName,
  { origin, userId, sessionId, reason, details = {} }: AuditEntry,
): Promise<void> => {
  await work.db
    .insertInto('audit_events')
    .values({
      at: clock.now(),
      event,
      user_id: userId ?? null,
      actor: origin.actor,
      session_id: sessionId ?? null,
      address: origin.address,
      request_id: origin.requestId,
      reason: reason ?? null,
      details: JSON.stringify(details),
    })
    .execute()
}
