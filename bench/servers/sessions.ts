import Fastify from 'fastify'
import { gatewright } from 'gatewright'
import { newId, newSecret } from 'gatewright/random'

/** An API with as many live sessions as the first argument says, and refresh tokens of the first of them. */
const [sessions = 1_000, shown = 1_000] = process.argv.slice(2).map(Number)
const app = Fastify()
await app.register(gatewright)
const { db, secrets, clock, random } = app.gatewright
const { makeRefreshToken } = await import('../../packages/gatewright/src/tokens/refresh-token.ts')

const now = clock.now()
const headers: string[] = []
for (let made = 0; made < sessions; made += 500)
  await db.transaction().execute(async transaction => {
    for (let at = 0; at < Math.min(500, sessions - made); at += 1) {
      const [userId, id] = [newId(random), newId(random)]
      const session = {
        id,
        user_id: userId,
        user_version: 1,
        generation: 1,
        generation_since: 0,
        refresh_key: newSecret(random),
        secret_hash: null,
        amr: 'pwd',
        auth_time: now,
        device: '',
        address: '127.0.0.1',
        created_at: now,
        last_used_at: now,
        expires_at: now + 30 * 86_400_000,
        token_expires_at: now,
        ended_at: null,
        end_reason: null,
        replaced_by: null,
      }
      await transaction
        .insertInto('users')
        .values({
          id: userId,
          username: `u${made + at}`,
          username_key: `u${made + at}`,
          email: null,
          email_key: null,
          email_verified_at: null,
          password_hash: null,
          version: 1,
          disabled_at: null,
          created_at: now,
        })
        .execute()
      await transaction.insertInto('user_roles').values({ user_id: userId, role: 'user' }).execute()
      await transaction.insertInto('sessions').values(session).execute()
      if (headers.length < shown) headers.push(makeRefreshToken(secrets, session, 1))
    }
  })

process.once('SIGTERM', () => app.close())
const { host, port } = app.gatewright.settings
await app.listen({ host, port })
console.log(JSON.stringify({ url: app.gatewright.publicUrl, headers }))
