import helmet from '@fastify/helmet'
import jwt from '@fastify/jwt'
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { path, payload } from './payload.ts'

/**
 * What people put together with Fastify today: @fastify/jwt with its cache, @fastify/rate-limit and
 * @fastify/helmet. Nothing is revocable, nothing is recorded.
 */
const app = Fastify()
await app.register(helmet)
await app.register(rateLimit, { max: 1e9, timeWindow: '1 minute' })
await app.register(jwt, { secret: 'x'.repeat(32), verify: { cache: 10_000 } })
app.get(path, { onRequest: request => request.jwtVerify() }, (_request, reply) => {
  reply.send(payload)
})
await app.ready()
const token = app.jwt.sign({ sub: 'alice', roles: ['user'] }, { expiresIn: '1h' })
const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
console.log(JSON.stringify({ url, callers: [`Authorization: Bearer ${token}`] }))
