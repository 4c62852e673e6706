import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { isBehind, type KeyedPage, type KeyedRange, type Place, toKeyedPage } from '../storage/keyset.ts'
import type { Database } from '../storage/tables.ts'
import { isIndexedEvent } from './indexed-events.ts'
import { type RecordedEvent, selectEvents, toRecorded } from './read-events.ts'
import { findIdsOfRequest } from './request-events.ts'

/** What events are searched for by: all that is given must hold. */
export type EventFilter = {
  /** The user whom it concerns, or who did it. */
  readonly userId?: string | undefined
  /** Names of events. */
  readonly events?: readonly string[] | undefined
  readonly from?: number | undefined
  /** Not itself. */
  readonly until?: number | undefined
  /** As the event has it: an address, or the group of one where refusals are counted. */
  readonly address?: string | undefined
  readonly sessionId?: string | undefined
  readonly requestId?: string | undefined
  readonly reason?: string | undefined
}

/** Rows that one index gives, in the order of the list. */
type Way = { readonly where: RawBuilder<SqlBool>; readonly at: string; readonly id: string }

const inEvents = { at: 'audit_events.at', id: 'audit_events.id' }
const inPersonal = { at: 'audit_personal.at', id: 'audit_personal.event_id' }

const all: readonly Way[] = [{ ...inEvents, where: sql`1 = 1` }]

const waysOfEvent = (event: string): Way =>
  event === 'session.refreshed'
    ? { ...inEvents, where: sql`event = ${event}` }
    : { ...inEvents, where: sql`event = ${event} and ${isIndexedEvent}` }

const waysOfRequest = async (db: Database, requestId: string): Promise<readonly Way[]> => {
  const ids = await findIdsOfRequest(db, requestId)
  return ids.length === 0 ? [] : [{ ...inEvents, where: sql`audit_events.id in (${sql.join(ids)})` }]
}

/** The narrowest that is asked for, each by indexes of its own, in their very words. */
const waysOf = async (db: Database, filter: EventFilter): Promise<readonly Way[]> => {
  const { requestId, sessionId, address, userId, reason, events } = filter
  if (requestId !== undefined) return waysOfRequest(db, requestId)
  if (sessionId !== undefined) return [{ ...inEvents, where: sql`session_id = ${sessionId}` }]
  if (address !== undefined) return [{ ...inPersonal, where: sql`audit_personal.address = ${address}` }]
  if (userId !== undefined)
    return [
      { ...inEvents, where: sql`user_id = ${userId}` },
      { ...inEvents, where: sql`actor = ${userId} and (user_id is null or actor <> user_id)` },
    ]
  if (reason !== undefined) return [{ ...inEvents, where: sql`reason = ${reason}` }]
  return events?.map(waysOfEvent) ?? all
}

const selectWay = (
  db: Database,
  { where, at, id }: Way,
  { from, until }: EventFilter,
  { limit, after }: KeyedRange,
) => {
  const [time, place] = [sql.ref<number>(at), after && { key: after.key, id: Number(after.id) }]
  return selectEvents(db)
    .where(where)
    .$if(from !== undefined, query => query.where(time, '>=', Number(from)))
    .$if(until !== undefined, query => query.where(time, '<', Number(until)))
    .where(isBehind({ key: at, id, direction: 'desc' }, place))
    .orderBy(time, 'desc')
    .orderBy(sql.ref(id), 'desc')
    .limit(limit)
}

const isNewer = (one: RecordedEvent, other: RecordedEvent): number => other.at - one.at || other.id - one.id

/** The first `limit` of all ways together, each once. */
const readStep = async (
  db: Database,
  filter: EventFilter,
  range: KeyedRange,
): Promise<readonly RecordedEvent[]> => {
  const found = new Map<number, RecordedEvent>()
  for (const way of await waysOf(db, filter))
    for (const row of await selectWay(db, way, filter, range).execute()) found.set(row.id, toRecorded(row))
  return [...found.values()].sort(isNewer).slice(0, range.limit)
}

const isAskedFor =
  ({ userId, events, address, sessionId, requestId, reason }: EventFilter) =>
  (event: RecordedEvent): boolean =>
    (userId === undefined || event.userId === userId || event.actor === userId) &&
    (events === undefined || events.includes(event.event)) &&
    (address === undefined || event.address === address) &&
    (sessionId === undefined || event.sessionId === sessionId) &&
    (reason === undefined || event.reason === reason) &&
    (requestId === undefined || event.requestId === requestId || event.details.last_request_id === requestId)

const placeOf = ({ at, id }: RecordedEvent): Place => ({ key: at, id: String(id) })

/** As in a search for users: a page reads so much and no more, in steps that grow. */
const searchDepth = 4_000
const [widening, widestStep] = [4, 1_000]

/**
 * A page of events, the newest first. It may hold fewer than `limit`, or none, and still have a next one: of what
 * no index answers alone, so many rows are read and no more.
 */
export const searchEvents = async (
  db: Database,
  filter: EventFilter,
  { limit, after }: KeyedRange,
): Promise<KeyedPage<RecordedEvent>> => {
  const found: RecordedEvent[] = []
  let [end, read, step] = [after, 0, limit + 1]
  do {
    const rows = await readStep(db, filter, { limit: step, after: end })
    found.push(...rows.filter(isAskedFor(filter)))
    const last = rows.at(-1)
    end = last === undefined || rows.length < step ? undefined : placeOf(last)
    read += rows.length
    step = Math.min(step * widening, widestStep)
  } while (end !== undefined && found.length <= limit && read < searchDepth)
  return toKeyedPage(found, limit, placeOf, end)
}
