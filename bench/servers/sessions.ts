import Fastify from 'fastify'
import { gatewright } from 'gatewright'
import { addSessions } from './live-sessions.ts'

/** An API whose database holds so many users, each with a live session, and refresh tokens of some of them. */
const [sessions = 1_000] = process.argv.slice(2).map(Number)
/** Those shown lie evenly among the others, so that they have no page of the database for themselves. */
const apart = Math.max(1, Math.floor(sessions / 1_000))

const app = Fastify()
await app.register(gatewright)
const callers = await addSessions(app.gatewright, sessions, apart)

process.once('SIGTERM', () => app.close())
const { host, port } = app.gatewright.settings
await app.listen({ host, port })
console.log(JSON.stringify({ url: app.gatewright.publicUrl, callers }))
