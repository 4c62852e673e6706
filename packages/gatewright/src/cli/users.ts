import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { User } from '../users/users.ts'

/** A user as the command line's JSON shows one: as `GET /me` does, and since when it is disabled. */
export const toUserView = (user: User) => ({
  id: user.id,
  username: user.username,
  email: user.email,
  email_verified: user.emailVerified,
  roles: user.roles,
  disabled_at: toTimestampOrNull(user.disabledAt),
  created_at: toTimestamp(user.createdAt),
})

/** @throws Refusal `not_found` with the name */
export const getUserByName = async ({ db }: Engine, name: string): Promise<User> => {
  const { findUserByName, getUser } = await import('../users/users.ts')
  const row = await findUserByName(db, name)
  if (row === undefined || row.kind !== 'user')
    throw new Refusal('not_found', { detail: `There is no user ${JSON.stringify(name)}.` })
  return getUser(db, row.id)
}
