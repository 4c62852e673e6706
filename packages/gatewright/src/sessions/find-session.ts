import type { Revocable } from '../revocation/revocations.ts'
import { prepare } from '../storage/prepared.ts'
import type { Database, SessionRow } from '../storage/tables.ts'
import { hashSessionSecret, type SessionSecret } from '../tokens/session-secret.ts'

/** A session as a credential finds it, live or ended, with its user's roles and state as they are. */
export type FoundSession = {
  readonly session: SessionRow
  readonly roles: readonly string[]
  readonly userDisabledAt: number | null
}

/** As cut-offs name it. */
export const toRevocable = ({ id, user_id, user_version }: SessionRow): Revocable => ({
  sessionId: id,
  userId: user_id,
  userVersion: user_version,
})

/** A row for each role, or one without. */
type FoundRow = SessionRow & { readonly role: string | null; readonly disabled_at: number | null }

/** Written out, so that reading them is quick (`storage/sqlite-connection.ts`). */
const sessionColumns = [
  'sessions.id',
  'sessions.user_id',
  'sessions.user_version',
  'sessions.generation',
  'sessions.generation_since',
  'sessions.refresh_key',
  'sessions.secret_id',
  'sessions.former_secret_id',
  'sessions.secret_hash',
  'sessions.amr',
  'sessions.auth_time',
  'sessions.device',
  'sessions.address',
  'sessions.created_at',
  'sessions.last_used_at',
  'sessions.expires_at',
  'sessions.token_expires_at',
  'sessions.ended_at',
  'sessions.end_reason',
  'sessions.replaced_by',
  'sessions.known_device_id',
] as const

const selectFound = (db: Database) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .leftJoin('user_roles', 'user_roles.user_id', 'sessions.user_id')
    .select([...sessionColumns, 'user_roles.role', 'users.disabled_at'])
    .orderBy('user_roles.role')

const toFound = (rows: readonly FoundRow[]): FoundSession | undefined => {
  const first = rows[0]
  if (first === undefined) return undefined
  const roles = rows.flatMap(({ role }) => role ?? [])
  return { session: first, roles, userDisabledAt: first.disabled_at }
}

const selectBySecret = prepare<{ hash: string }, FoundRow>((db, value) =>
  selectFound(db).where('sessions.secret_hash', '=', value('hash')),
)

const selectById = prepare<{ id: string }, FoundRow>((db, value) =>
  selectFound(db).where('sessions.id', '=', value('id')).where('sessions.secret_hash', 'is', null),
)

/** The session whose cookie holds this secret. One indexed query. */
export const findCookieSession = async (
  db: Database,
  secret: SessionSecret,
): Promise<FoundSession | undefined> =>
  toFound((await selectBySecret(db, { hash: hashSessionSecret(secret) })).rows)

/** The session of this id, where it holds tokens. One indexed query. */
export const findTokenSession = async (db: Database, id: string): Promise<FoundSession | undefined> =>
  toFound((await selectById(db, { id })).rows)
