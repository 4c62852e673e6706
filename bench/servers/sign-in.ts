import Fastify from 'fastify'
import { gatewright } from 'gatewright'
import { everyone, permission } from 'gatewright/access'
import { createUser } from 'gatewright/administration'
import { newId } from 'gatewright/random'
import { hashingThreads } from '../../packages/gatewright/src/users/hashing-threads.ts'
import { path, payload } from './payload.ts'
import { rawHashing } from './raw-argon2.ts'

/** An API whose users sign in with passwords, and read what only they may; and, for comparison, hashes alone. */
const app = Fastify({ http: { optimizeEmptyRequests: true } })
await app.register(gatewright)
const read = { access: permission('users:read'), limit: 'read', audit: 'none' } as const
app.get(path, { config: { gate: read } }, (_request, reply) => {
  reply.send(payload)
})
const open = { access: everyone(), limit: 'unlimited', audit: 'none' } as const
app.get('/raw', { config: { gate: open } }, () => rawHashing(hashingThreads(), 'thread'))

const { gatewright: engine } = app
const callers: string[] = []
const origin = { actor: 'system', address: null, requestId: null }
for (let number = 0; number < Number(process.argv[2] ?? 1); number += 1) {
  const password = `the password of user${number}`
  const user = await createUser(engine, { username: `user${number}`, password, roles: ['user'] }, origin)
  const sign = await engine.accessTokens.getSign()
  const now = engine.clock.now()
  const token = await sign({
    userId: user.id,
    sessionId: newId(engine.random),
    userVersion: 1,
    expiresAt: now + 3_600_000,
    authTime: now,
    amr: ['pwd'],
    roles: ['user'],
  })
  callers.push(`Authorization: Bearer ${token}`)
}

process.once('SIGTERM', () => app.close())
const { host, port } = engine.settings
await app.listen({ host, port })
console.log(JSON.stringify({ url: engine.publicUrl, callers }))
