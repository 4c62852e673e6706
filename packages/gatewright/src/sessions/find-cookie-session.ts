import type { Database, SessionRow } from '../storage/tables.ts'
import { hashSessionSecret, type SessionSecret } from '../tokens/session-secret.ts'

/** A session as its cookie finds it, live or ended, with its user's roles and state as they are. */
export type CookieSession = {
  readonly session: SessionRow
  readonly roles: readonly string[]
  readonly userDisabledAt: number | null
}

/** The session whose cookie holds this secret. One indexed query: a row for each role, or one without. */
export const findCookieSession = async (
  db: Database,
  secret: SessionSecret,
): Promise<CookieSession | undefined> => {
  const rows = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .leftJoin('user_roles', 'user_roles.user_id', 'sessions.user_id')
    .selectAll('sessions')
    .select(['user_roles.role', 'users.disabled_at'])
    .where('sessions.secret_hash', '=', hashSessionSecret(secret))
    .orderBy('user_roles.role')
    .execute()
  const first = rows[0]
  if (first === undefined) return undefined
  const { role: _, disabled_at: userDisabledAt, ...session } = first
  return { session, roles: rows.flatMap(({ role }) => role ?? []), userDisabledAt }
}
