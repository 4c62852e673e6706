import helmet from '@fastify/helmet'
import jwt from '@fastify/jwt'
import rateLimit from '@fastify/rate-limit'
import { hash, verify } from '@node-rs/argon2'
import Fastify from 'fastify'
import { path, payload } from './payload.ts'
import { costs, rawHashing } from './raw-argon2.ts'

/**
 * What people put together with Fastify today: @fastify/jwt, @fastify/rate-limit with five sign-ins a minute
 * for each address (or as many as the second argument says), @fastify/helmet, and Argon2 with the same costs.
 * Its users lie in memory; nothing is recorded, and no session is kept.
 */
const [count = 1, perMinute = 5] = process.argv.slice(2).map(Number)
const app = Fastify({ trustProxy: 'loopback' })
await app.register(helmet)
await app.register(rateLimit, { max: 1e9, timeWindow: '1 minute' })
await app.register(jwt, { secret: 'x'.repeat(32), verify: { cache: 10_000 } })

const users = new Map<string, string>()
for (let number = 0; number < count; number += 1)
  users.set(`user${number}`, await hash(`the password of user${number}`, costs))
const nobodys = await hash('nobody has this password', costs)

app.get(path, { onRequest: request => request.jwtVerify() }, (_request, reply) => {
  reply.send(payload)
})
/** As many at once as Node.js' pool has threads. */
app.get('/raw', () => rawHashing(4, 'pool'))
const config = { rateLimit: { max: perMinute, timeWindow: '1 minute' } }
app.post<{ Body: { username: string; password: string } }>(
  '/auth/login',
  { config },
  async (request, reply) => {
    const { username, password } = request.body
    if (!(await verify(users.get(username) ?? nobodys, password)))
      return reply.code(401).send({ error: 'wrong' })
    return { access_token: app.jwt.sign({ sub: username }, { expiresIn: '15m' }) }
  },
)

await app.ready()
const callers = [...users.keys()].map(
  sub => `Authorization: Bearer ${app.jwt.sign({ sub }, { expiresIn: '1h' })}`,
)
const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
console.log(JSON.stringify({ url, callers }))
