import Fastify from 'fastify'
import { gatewright } from 'gatewright'
import { permission } from 'gatewright/access'
import { addSessions } from './live-sessions.ts'
import { path, payload } from './payload.ts'

/** One of several processes on a database: it adds so many sessions, and has a route for who is signed in. */
const app = Fastify()
await app.register(gatewright)
const gate = { access: permission('users:read'), limit: 'read', audit: 'none' } as const
app.get(path, { config: { gate } }, (_request, reply) => {
  reply.send(payload)
})
const callers = await addSessions(app.gatewright, Number(process.argv[2] ?? 0))

process.once('SIGTERM', () => app.close())
const { host, port } = app.gatewright.settings
await app.listen({ host, port })
console.log(JSON.stringify({ url: `http://${host}:${port}`, callers }))
