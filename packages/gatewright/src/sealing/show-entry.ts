import { type RecordedEvent, toRecorded } from '../audit/read-events.ts'
import { toTimestamp } from '../ground/clock.ts'
import { type Entry, leftOut } from './verify/entry.ts'

/** How a line shows an event to people and programs that do not verify it. */
export type Show = (entry: Pick<Entry, 'row' | 'personal'>) => Readonly<Record<string, unknown>>

/** An event as a line of an export has it. */
export const toLine = (event: RecordedEvent, withPersonal: boolean) => ({
  id: String(event.id),
  at: toTimestamp(event.at),
  event: event.event,
  user_id: event.userId,
  actor: event.actor,
  api_key_id: event.apiKeyId,
  session_id: event.sessionId,
  request_id: event.requestId,
  reason: event.reason,
  ...(withPersonal && { address: event.address }),
  details: event.details,
  ...(withPersonal && event.erased.length > 0 && { erased: event.erased }),
})

/** An event as the chain has it, in the shape of a line. */
export const showWith =
  (withPersonal: boolean): Show =>
  ({ row, personal }) => {
    if (row === undefined) return {}
    const beside = withPersonal && personal !== leftOut ? personal : undefined
    const event = toRecorded({
      ...row,
      own_address: withPersonal ? row.address : null,
      salt: beside?.salt ?? null,
      address: beside?.address ?? null,
      personal: beside?.details ?? null,
      position: null,
    })
    return toLine(event, withPersonal)
  }
