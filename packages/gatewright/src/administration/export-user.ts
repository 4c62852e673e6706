import { type EventTable, recordEvent } from '../audit/record.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import { type Caller, holdSession } from '../sessions/hold-session.ts'
import { listSessions } from '../sessions/list-sessions.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import { listMethods } from '../sign-in/factors.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import { getPerson } from '../users/users.ts'
import { listOwnEvents } from './own-events.ts'

/** What an application keeps of a user, by name, for the user's own copy: rows as they may be shown to that user. */
export type UserData = Readonly<
  Record<string, (userId: string, dependencies: { readonly db: Database }) => Promise<readonly unknown[]>>
>

type Application = { readonly userData: UserData; readonly auditEvents: EventTable }

type Dependencies = SessionDependencies & { readonly db: Database }

/** The newest ones: an account that is attacked for years has more than anybody reads. */
const mostEvents = 10_000

const listEvents = async (dependencies: Parameters<typeof listOwnEvents>[0], userId: string) => {
  const { rows } = await listOwnEvents(dependencies, userId, { limit: mostEvents })
  return rows.map(({ id: _, at, sessionId, ...event }) => ({
    at: toTimestamp(at),
    ...event,
    session_id: sessionId,
  }))
}

const listOwnSessions = async (dependencies: Dependencies, userId: string) =>
  (await listSessions(dependencies, userId)).map(row => ({
    id: row.id,
    device: row.device,
    address: row.address,
    amr: row.amr.split(' '),
    created_at: toTimestamp(row.created_at),
    last_used_at: toTimestamp(row.last_used_at),
    expires_at: toTimestamp(row.expires_at),
  }))

const listDevices = async (db: Database, userId: string) => {
  const rows = await db
    .selectFrom('known_devices')
    .select(['id', 'created_at', 'last_used_at'])
    .where('user_id', '=', userId)
    .execute()
  return rows.map(({ id, created_at: made, last_used_at: used }) => ({
    id,
    created_at: toTimestamp(made),
    last_used_at: toTimestamp(used),
  }))
}

const listOwnPasskeys = async (db: Database, userId: string) => {
  const rows = await db
    .selectFrom('passkeys')
    .select(['id', 'name', 'created_at', 'last_used_at'])
    .where('user_id', '=', userId)
    .execute()
  return rows.map(({ created_at: made, last_used_at: used, ...row }) => ({
    ...row,
    created_at: toTimestamp(made),
    last_used_at: toTimestampOrNull(used),
  }))
}

const listOwnKeys = async (db: Database, userId: string) => {
  const rows = await db
    .selectFrom('api_keys')
    .select(['id', 'name', 'permissions', 'allowed_addresses', 'created_at', 'expires_at', 'last_used_at'])
    .where('user_id', '=', userId)
    .execute()
  return rows.map(({ created_at: made, expires_at: until, last_used_at: used, ...row }) => ({
    ...row,
    created_at: toTimestamp(made),
    expires_at: toTimestampOrNull(until),
    last_used_at: toTimestampOrNull(used),
  }))
}

const listOwnIdentities = async (db: Database, userId: string) => {
  const rows = await db
    .selectFrom('identities')
    .select(['issuer', 'subject', 'created_at'])
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .execute()
  return rows.map(({ created_at: linked, ...row }) => ({ ...row, linked_at: toTimestamp(linked) }))
}

const listOwnInvitations = async (db: Database, userId: string) => {
  const rows = await db
    .selectFrom('codes')
    .select(['id', 'data', 'created_at', 'expires_at'])
    .where('user_id', '=', userId)
    .where('purpose', '=', 'invitation')
    .execute()
  return rows.map(({ id, data, created_at: made, expires_at: until }) => ({
    id,
    ...(JSON.parse(data) as object),
    created_at: toTimestamp(made),
    expires_at: toTimestamp(until),
  }))
}

const listPermissionUses = async (db: Database, userId: string) => {
  const rows = await db
    .selectFrom('permission_uses')
    .select(['permission', 'last_day'])
    .where('holder_kind', '=', 'user')
    .where('holder_id', '=', userId)
    .orderBy('permission')
    .execute()
  return rows.map(({ permission, last_day }) => ({
    permission,
    last_day: toTimestamp(last_day).slice(0, 10),
  }))
}

const readApplication = async (data: UserData, { db }: Dependencies, userId: string) => {
  const read: [string, readonly unknown[]][] = []
  for (const [name, list] of Object.entries(data)) read.push([name, await list(userId, { db })])
  return Object.fromEntries(read)
}

/**
 * Everything that is kept of the caller, without a secret: no hash, no code, no key that opens anything. What is
 * shown of the account itself is the caller's own view of it.
 * @param application what it keeps, and its events beside the engine's
 * @throws Refusal `session_ended`
 */
export const exportUser = async (
  dependencies: Dependencies,
  { userData, auditEvents: events }: Application,
  { userId, sessionId, origin }: Caller & { readonly origin: Parameters<typeof recordEvent>[3]['origin'] },
) => {
  const { db } = dependencies
  await inTransaction(db, async work => {
    await holdSession(work, { userId, sessionId })
    await recordEvent(dependencies, work, 'user.exported', { origin, userId, sessionId })
  })
  await getPerson(db, userId)
  return {
    sessions: await listOwnSessions(dependencies, userId),
    known_devices: await listDevices(db, userId),
    factors: { methods: await listMethods(db, userId), passkeys: await listOwnPasskeys(db, userId) },
    api_keys: await listOwnKeys(db, userId),
    identities: await listOwnIdentities(db, userId),
    invitations: await listOwnInvitations(db, userId),
    permission_uses: await listPermissionUses(db, userId),
    events: await listEvents({ db, events }, userId),
    application: await readApplication(userData, dependencies, userId),
  }
}
