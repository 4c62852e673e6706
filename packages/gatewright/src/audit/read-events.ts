import type { Database } from '../storage/tables.ts'
import type { DetailValue } from './commitments.ts'

/** An event with what is personal of it, as far as that is still there. */
export type RecordedEvent = {
  readonly id: number
  readonly at: number
  readonly event: string
  readonly userId: string | null
  readonly actor: string | null
  readonly apiKeyId: string | null
  readonly sessionId: string | null
  readonly address: string | null
  readonly requestId: string | null
  readonly reason: string | null
  readonly details: Readonly<Record<string, DetailValue>>
  /** Those of the details that are about nobody. */
  readonly plain: Readonly<Record<string, DetailValue>>
  /** The fields that it had, and that were erased. */
  readonly erased: readonly string[]
  /** On the chain; null until it is sealed. */
  readonly position: number | null
}

/** Events beside what is personal of them; `toRecorded` makes one of the two. */
export const selectEvents = (db: Database) =>
  db
    .selectFrom('audit_events')
    .leftJoin('audit_personal', 'audit_personal.event_id', 'audit_events.id')
    .leftJoin('audit_seals', 'audit_seals.event_id', 'audit_events.id')
    .select([
      'audit_events.id',
      'audit_events.at',
      'audit_events.event',
      'audit_events.user_id',
      'audit_events.actor',
      'audit_events.api_key_id',
      'audit_events.session_id',
      'audit_events.address as own_address',
      'audit_events.request_id',
      'audit_events.reason',
      'audit_events.details',
      'audit_events.commitments',
      'audit_personal.salt',
      'audit_personal.address',
      'audit_personal.details as personal',
      'audit_seals.position',
    ])

type Row = Awaited<ReturnType<ReturnType<typeof selectEvents>['execute']>>[number]

const parse = (json: string): Readonly<Record<string, DetailValue>> => JSON.parse(json)

export const toRecorded = (row: Row): RecordedEvent => ({
  id: row.id,
  at: row.at,
  event: row.event,
  userId: row.user_id,
  actor: row.actor,
  apiKeyId: row.api_key_id,
  sessionId: row.session_id,
  address: row.address ?? row.own_address,
  requestId: row.request_id,
  reason: row.reason,
  plain: parse(row.details),
  details: { ...parse(row.details), ...parse(row.personal ?? '{}') },
  erased: row.salt === null ? Object.keys(parse(row.commitments)) : [],
  position: row.position,
})
