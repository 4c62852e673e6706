import { systemRandom } from '../ground/random.ts'
import { type DetailValue, newSalt, type PersonalFields, toCommitments } from './commitments.ts'
import type { AuditEntry } from './entry.ts'
import type { EventTable } from './events.ts'

/** A row of `audit_events`, and the row of `audit_personal` beside it where something of it is personal. */
export type NewEvent = {
  readonly row: {
    readonly at: number
    readonly event: string
    readonly user_id: string | null
    readonly actor: string | null
    readonly api_key_id: string | null
    readonly session_id: string | null
    readonly request_id: string | null
    readonly reason: string | null
    readonly details: string
    readonly commitments: string
  }
  readonly personal:
    | {
        readonly at: number
        readonly salt: string
        readonly address: string | null
        readonly details: string
      }
    | undefined
}

type Details = Record<string, DetailValue>

const split = (table: EventTable, event: string, details: Readonly<Record<string, unknown>>) => {
  const fields = table[event]?.fields ?? {}
  const plain: Details = {}
  const personal: Details = {}
  for (const [field, value] of Object.entries(details)) {
    if (value === undefined) continue
    if (!Object.hasOwn(fields, field)) throw new TypeError(`the event ${event} has no field ${field}`)
    const part = fields[field] === 'plain' ? plain : personal
    part[field] = value as DetailValue
  }
  return { plain, personal }
}

const seal = (at: number, fields: PersonalFields) => {
  const { address, details } = fields
  if (address === null && Object.keys(details).length === 0) return { commitments: '{}', personal: undefined }
  // Nobody's choice, as the salt of a password's hash.
  const salt = newSalt(systemRandom.bytes(32))
  return {
    commitments: toCommitments(salt, fields),
    personal: { at, salt, address, details: JSON.stringify(details) },
  }
}

/** The rows of an event: in the first what is about nobody, with a commitment to each field of the second. */
export const toNewEvent = (
  table: EventTable,
  {
    at,
    event,
    origin,
    userId,
    sessionId,
    reason,
    details = {},
  }: AuditEntry & { readonly at: number; readonly event: string },
): NewEvent => {
  const { plain, personal: said } = split(table, event, details)
  const { commitments, personal } = seal(at, { address: origin.address, details: said })
  const row = {
    at,
    event,
    user_id: userId ?? null,
    actor: origin.actor,
    api_key_id: origin.apiKeyId ?? null,
    session_id: sessionId ?? null,
    request_id: origin.requestId,
    reason: reason ?? null,
    details: JSON.stringify(plain),
    commitments,
  }
  return { row, personal }
}
