import type { Engine } from 'gatewright/compose'
import { inTransaction } from 'gatewright/transaction'
import type { LiveSession } from '../../packages/gatewright/src/sessions/sessions.ts'
import { lockInstallation } from '../../packages/gatewright/src/storage/installation.ts'
import { hold, startTestSession } from '../../packages/gatewright/src/testing/test-session.ts'
import { noteAdministrator } from '../../packages/gatewright/src/users/administrators.ts'
import type { PasswordHash } from '../../packages/gatewright/src/users/password-hasher.ts'
import { parseUsername } from '../../packages/gatewright/src/users/username.ts'
import { insertUser, type User } from '../../packages/gatewright/src/users/users.ts'

export type SignedIn = {
  readonly userId: string
  readonly sessionId: string
  readonly access: string
  readonly refresh: string
}

/** A user whose password nobody knows: nothing is hashed, so a test may make hundreds. */
export const addUser = (
  engine: Engine,
  name: string,
  { roles = ['user'], passwordHash = 'none' }: { roles?: readonly string[]; passwordHash?: string } = {},
): Promise<User> => {
  const parsed = parseUsername(name, { reserved: 'allow' })
  if (!parsed.ok) throw new TypeError(parsed.problem)
  return inTransaction(engine.db, async work => {
    const { username, key } = parsed
    const hash = passwordHash as PasswordHash
    if (roles.includes('admin')) await lockInstallation(work)
    const user = await insertUser(engine, work, { username, key, email: null, passwordHash: hash, roles })
    await noteAdministrator(engine, work, roles)
    return user
  })
}

/** What a client holds of a session. */
export const toSignedIn = async (engine: Engine, live: LiveSession): Promise<SignedIn> => {
  const { accessToken: access, refreshToken: refresh } = await hold.tokens(engine, live)
  return { userId: live.session.user_id, sessionId: live.session.id, access, refresh }
}

/** Starts a session of the user, as every door does once the credential was found right. */
export const signInAs = async (engine: Engine, userId: string, device = ''): Promise<SignedIn> =>
  toSignedIn(engine, await startTestSession(engine, { userId, device }))
