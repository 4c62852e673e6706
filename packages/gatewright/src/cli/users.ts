import type { Engine } from '../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Database } from '../storage/tables.ts'
import type { User } from '../users/users.ts'

/** A user as the command line's JSON shows one: as `GET /me` does, and since when it is disabled. */
export const toUserView = (user: User) => ({
  id: user.id,
  username: user.username,
  email: user.email,
  email_verified: user.emailVerified,
  roles: user.roles,
  disabled_at: toTimestampOrNull(user.disabledAt),
  password_change_due: user.passwordChangeDue,
  created_at: toTimestamp(user.createdAt),
})

/** @throws Refusal `not_found` with the name */
export const getUserByName = async ({ db }: Engine, name: string): Promise<User> => {
  const { findUserByName, getUser } = await import('../users/users.ts')
  const row = await findUserByName(db, name)
  if (row === undefined) throw await noUser(db, name)
  return getUser(db, row.id)
}

const noUser = async (db: Database, name: string): Promise<Refusal> => {
  const { findServiceByName } = await import('../users/services.ts')
  const shown = JSON.stringify(name)
  const isService = (await findServiceByName(db, name)) !== undefined
  return new Refusal('not_found', {
    detail: isService
      ? `${shown} is a service, which signs in nowhere: write gatewright service …`
      : `There is no user ${shown}.`,
  })
}
