import type { Engine } from 'gatewright/compose'
import { newId, newSecret } from 'gatewright/random'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'

const atOnce = 500
const day = 86_400_000

const newUser = ({ random, clock }: Engine, number: number) => ({
  id: newId(random),
  username: `user${number}`,
  username_key: `user${number}`,
  email: null,
  email_key: null,
  email_verified_at: null,
  password_hash: null,
  version: 1,
  disabled_at: null,
  created_at: clock.now(),
})

const newSession = ({ random, clock, secrets }: Engine, userId: string) => {
  const now = clock.now()
  return {
    id: newId(random),
    user_id: userId,
    user_version: 1,
    generation: 1,
    generation_since: 0,
    refresh_key: newSecret(random),
    secret_id: secrets.newestId,
    secret_hash: null,
    amr: 'pwd',
    auth_time: now,
    device: '',
    address: '127.0.0.1',
    created_at: now,
    last_used_at: now,
    expires_at: now + 30 * day,
    token_expires_at: now,
    ended_at: null,
    end_reason: null,
    replaced_by: null,
  }
}

/** Adds so many users, each with a live session, and gives the refresh token of every `apart`th one. */
export const addSessions = async (engine: Engine, count: number, apart = 1): Promise<readonly string[]> => {
  const tokens: string[] = []
  for (let made = 0; made < count; made += atOnce) {
    const users = Array.from({ length: Math.min(atOnce, count - made) }, (_, at) =>
      newUser(engine, made + at),
    )
    const begun = users.map(({ id }) => newSession(engine, id))
    await engine.db.transaction().execute(async transaction => {
      await transaction.insertInto('users').values(users).execute()
      await transaction
        .insertInto('user_roles')
        .values(users.map(({ id }) => ({ user_id: id, role: 'user' })))
        .execute()
      await transaction.insertInto('sessions').values(begun).execute()
    })
    begun.forEach((session, at) => {
      if ((made + at) % apart === 0) tokens.push(makeRefreshToken(engine.secrets, session, 1))
    })
  }
  return tokens
}
