import { anyText, list, madeUpId, named, strictObject, textOrNull, timestamp } from './schemas.ts'

/** Facts of an event: texts, numbers, flags and lists of texts. */
const details = { type: 'object', additionalProperties: true } as const

export const auditEventSchema = named(
  'AuditEvent',
  strictObject({
    id: anyText,
    at: timestamp,
    event: anyText,
    text: anyText,
    user: { anyOf: [strictObject({ id: anyText, username: textOrNull }), { type: 'null' }] },
    actor: textOrNull,
    api_key_id: textOrNull,
    session_id: textOrNull,
    address: textOrNull,
    request_id: textOrNull,
    reason: textOrNull,
    details,
    erased: list(anyText),
    position: { type: ['integer', 'null'] },
  }),
)

/** An id for examples. */
export const madeUpEventId = '4711'

export const auditEventExample = {
  id: madeUpEventId,
  at: '2026-11-22T08:30:00.000Z',
  event: 'session.started',
  text: 'alice signed in on curl, from 127.0.0.1.',
  user: { id: madeUpId, username: 'alice' },
  actor: madeUpId,
  api_key_id: null,
  session_id: madeUpId,
  address: '127.0.0.1',
  request_id: madeUpId,
  reason: null,
  details: { amr: ['pwd'] },
  erased: [],
  position: null,
}
