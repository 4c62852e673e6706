import type { RecordedEvent } from '../audit/read-events.ts'
import { type StoryNames, type ToldEvent, tellStory } from '../audit/story.ts'
import { toDeviceName } from '../ground/device-name.ts'
import type { Database } from '../storage/tables.ts'

type Told = Pick<RecordedEvent, 'userId' | 'actor' | 'sessionId'>

export const idsOf = (ids: readonly (string | null)[]): readonly string[] => [
  ...new Set(ids.filter(id => id !== null)),
]

const findUsers = async (db: Database, ids: readonly string[]): Promise<StoryNames['users']> => {
  if (ids.length === 0) return new Map()
  const users = db.selectFrom('users').select(['id', 'username']).where('deleted_at', 'is', null)
  return new Map((await users.where('id', 'in', ids).execute()).map(row => [row.id, row.username] as const))
}

export const findDevices = async (db: Database, ids: readonly string[]): Promise<StoryNames['devices']> => {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('sessions').select(['id', 'device']).where('id', 'in', ids).execute()
  const named = rows.map(async ({ id, device }) => [id, (await toDeviceName(device)).text] as const)
  return new Map(await Promise.all(named))
}

/** What the ids in these events stand for, in two queries: for a page of them. */
const findNames = async (db: Database, events: readonly Told[]): Promise<StoryNames> => ({
  users: await findUsers(db, idsOf(events.flatMap(({ userId, actor }) => [userId, actor]))),
  devices: await findDevices(db, idsOf(events.map(({ sessionId }) => sessionId))),
})

/** Each event as one English sentence, with the names as they are now. */
export const tellEvents = async (
  db: Database,
  events: readonly (ToldEvent & Told)[],
): Promise<readonly string[]> => {
  const names = await findNames(db, events)
  return events.map(event => tellStory(event, names))
}
