import type { EventTable } from '../audit/events.ts'
import { type RecordedEvent, selectEvents, toRecorded } from '../audit/read-events.ts'
import { type EventFilter, searchEvents } from '../audit/search-events.ts'
import { parseAddress } from '../ground/address.ts'
import { toTimestamp } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { KeyedPage, KeyedRange } from '../storage/keyset.ts'
import type { Database } from '../storage/tables.ts'
import { usernameKey } from '../users/username.ts'
import { tellEvents } from './tell-events.ts'

/** An event with the names of those whom it names, as far as they are still known, and its story. */
export type LoggedEvent = RecordedEvent & {
  readonly username: string | undefined
  readonly text: string
}

/** What is searched for: `user` is an id or a username, and one name of an event may be a beginning that ends with a dot. */
export type LogFilter = Omit<EventFilter, 'userId' | 'events'> & {
  readonly user?: string | undefined
  readonly event?: string | undefined
}

export type LogDependencies = { readonly db: Database; readonly events: EventTable }

/** The names of users by their ids. */
type Names = ReadonlyMap<string, string>

const findNames = async (db: Database, events: readonly RecordedEvent[]): Promise<Names> => {
  const ids = new Set(events.flatMap(({ userId }) => userId ?? []))
  if (ids.size === 0) return new Map()
  const rows = await db
    .selectFrom('users')
    .select(['id', 'username'])
    .where('id', 'in', [...ids])
    .where('deleted_at', 'is', null)
    .execute()
  return new Map(rows.map(({ id, username }) => [id, username]))
}

const withStories = async (db: Database, rows: readonly RecordedEvent[]): Promise<readonly LoggedEvent[]> => {
  const names = await findNames(db, rows)
  const texts = await tellEvents(db, rows)
  return rows.map((row, index) => ({
    ...row,
    username: names.get(row.userId ?? ''),
    text: texts[index] ?? row.event,
  }))
}

/** Of a deleted user, or of a subject of another issuer, only the id finds anything. */
const findUserId = async (db: Database, user: string): Promise<string> => {
  const row = await db
    .selectFrom('users')
    .select('id')
    .where('username_key', '=', usernameKey(user))
    .executeTakeFirst()
  return row?.id ?? user
}

const expand = (name: string, events: EventTable): readonly string[] =>
  name.endsWith('.') ? Object.keys(events).filter(event => event.startsWith(name)) : [name]

/** In the form that events have; the group of one, as counted refusals have it, is searched for as it came. */
const toAddress = (text: string): string =>
  (text.includes('/') ? undefined : parseAddress(text)) ?? text.toLowerCase()

/** The filter of a search, with what the database knows it by. */
export const toEventFilter = async (
  { db, events }: LogDependencies,
  { user, event, address, ...filter }: LogFilter,
): Promise<EventFilter> => ({
  ...filter,
  address: address === undefined ? undefined : toAddress(address),
  userId: user === undefined ? undefined : await findUserId(db, user),
  events: event === undefined ? undefined : expand(event, events),
})

/** A page of the audit log, the newest first; it may hold fewer than `limit` and still have a next one. */
export const listAuditLog = async (
  dependencies: LogDependencies,
  filter: LogFilter,
  range: KeyedRange,
): Promise<KeyedPage<LoggedEvent>> => {
  const page = await searchEvents(dependencies.db, await toEventFilter(dependencies, filter), range)
  return { ...page, rows: await withStories(dependencies.db, page.rows) }
}

/** @throws Refusal `not_found` */
export const getLoggedEvent = async (dependencies: LogDependencies, id: number): Promise<LoggedEvent> => {
  const row = await selectEvents(dependencies.db).where('audit_events.id', '=', id).executeTakeFirst()
  if (row === undefined) throw new Refusal('not_found')
  const [event] = await withStories(dependencies.db, [toRecorded(row)])
  return event as LoggedEvent
}

/** An event as answers and the command line show it. */
export const toAuditEventView = (event: LoggedEvent) => ({
  id: String(event.id),
  at: toTimestamp(event.at),
  event: event.event,
  text: event.text,
  user: event.userId === null ? null : { id: event.userId, username: event.username ?? null },
  actor: event.actor,
  api_key_id: event.apiKeyId,
  session_id: event.sessionId,
  address: event.address,
  request_id: event.requestId,
  reason: event.reason,
  details: event.details,
  erased: [...event.erased],
  position: event.position,
})
