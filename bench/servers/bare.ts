import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { path, payload } from './payload.ts'

/** The measure of the others: Fastify, and nothing around the answer. */
const app = Fastify()
app.get(path, (_request, reply) => {
  reply.send(payload)
})
const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
// It is sent as much as the others are: reading a request is no work of the gate.
const token = randomBytes(450).toString('base64url')
console.log(JSON.stringify({ url, callers: [`Authorization: Bearer ${token}`] }))
