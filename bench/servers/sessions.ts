import Fastify from 'fastify'
import { gatewright } from 'gatewright'
import { newId, newSecret } from 'gatewright/random'
import { makeRefreshToken } from '../../packages/gatewright/src/tokens/refresh-token.ts'

/** An API whose database holds so many users, each with a live session, and refresh tokens of some of them. */
const [sessions = 1_000] = process.argv.slice(2).map(Number)
/** Those shown lie evenly among the others, so that they have no page of the database for themselves. */
const apart = Math.max(1, Math.floor(sessions / 1_000))
const atOnce = 500

const app = Fastify()
await app.register(gatewright)
const { db, secrets, clock, random } = app.gatewright
const now = clock.now()
const day = 86_400_000

const newUser = (number: number) => ({
  id: newId(random),
  username: `user${number}`,
  username_key: `user${number}`,
  email: null,
  email_key: null,
  email_verified_at: null,
  password_hash: null,
  version: 1,
  disabled_at: null,
  created_at: now,
})

const newSession = (userId: string) => ({
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
})

const callers: string[] = []
for (let made = 0; made < sessions; made += atOnce) {
  const users = Array.from({ length: Math.min(atOnce, sessions - made) }, (_, at) => newUser(made + at))
  const begun = users.map(({ id }) => newSession(id))
  await db.transaction().execute(async transaction => {
    await transaction.insertInto('users').values(users).execute()
    await transaction
      .insertInto('user_roles')
      .values(users.map(({ id }) => ({ user_id: id, role: 'user' })))
      .execute()
    await transaction.insertInto('sessions').values(begun).execute()
  })
  begun.forEach((session, at) => {
    if ((made + at) % apart === 0) callers.push(makeRefreshToken(secrets, session, 1))
  })
}

process.once('SIGTERM', () => app.close())
const { host, port } = app.gatewright.settings
await app.listen({ host, port })
console.log(JSON.stringify({ url: app.gatewright.publicUrl, callers }))
