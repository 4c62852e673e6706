import type { EventTable } from '../audit/events.ts'
import { type RecordedEvent, selectEvents, toRecorded } from '../audit/read-events.ts'
import { type StoryNames, someAdministrator, tellStory, you } from '../audit/story.ts'
import { isBehind, type KeyedPage, type KeyedRange, toKeyedPage } from '../storage/keyset.ts'
import type { Database } from '../storage/tables.ts'
import { findDevices, idsOf } from './tell-events.ts'

/** Who did it, as far as the owner of an account is told. */
export type By = 'you' | 'administrator' | 'system' | 'unknown'

/** An event as the owner of the account sees it. */
export type OwnEvent = Pick<RecordedEvent, 'id' | 'at' | 'event' | 'sessionId' | 'address' | 'reason'> & {
  readonly by: By
  /** What happened, in a sentence. */
  readonly text: string
  readonly details: RecordedEvent['details'] | null
}

const byOf = (actor: string | null, userId: string): By => {
  if (actor === null) return 'unknown'
  if (actor === userId) return 'you'
  return actor === 'system' ? 'system' : 'administrator'
}

type Owner = {
  readonly userId: string
  /** The events of the engine and the application. */
  readonly events: EventTable
  readonly devices: StoryNames['devices']
}

/** What somebody else has done is shown, and not who that was, from where, or what they wrote down about it. */
const toOwnEvent = ({ actor, ...event }: RecordedEvent, { userId, events, devices }: Owner): OwnEvent => {
  const { id, at, event: name, sessionId, reason } = event
  const by = byOf(actor, userId)
  const isOthers = by === 'administrator' || by === 'system'
  const { address, details } = isOthers ? { address: null, details: null } : event
  const own = { id, at, event: name, by, sessionId, address, reason, details }
  if (details === null && name !== 'session.ended') return { ...own, text: events[name]?.when ?? name }
  const told = { ...event, actor: by === 'administrator' ? someAdministrator : actor, address }
  return { ...own, text: tellStory(told, { users: new Map([[userId, you]]), devices }) }
}

/** A page of what happened to an account, for its owner: the newest first. */
export const listOwnEvents = async (
  { db, events }: { readonly db: Database; readonly events: EventTable },
  userId: string,
  { limit, after }: KeyedRange,
): Promise<KeyedPage<OwnEvent>> => {
  const order = { key: 'audit_events.at', id: 'audit_events.id', direction: 'desc' } as const
  const rows = await selectEvents(db)
    .where('audit_events.user_id', '=', userId)
    .where(isBehind(order, after && { key: after.key, id: Number(after.id) }))
    .orderBy('audit_events.at', 'desc')
    .orderBy('audit_events.id', 'desc')
    .limit(limit + 1)
    .execute()
  const devices = await findDevices(db, idsOf(rows.map(({ session_id }) => session_id)))
  const own = rows.map(row => toOwnEvent(toRecorded(row), { userId, events, devices }))
  return toKeyedPage(own, limit, ({ at, id }) => ({ key: at, id: String(id) }))
}
