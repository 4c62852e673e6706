import Fastify from 'fastify'
import { gatewright } from 'gatewright'
import { permission } from 'gatewright/access'
import { newId } from 'gatewright/random'
import { path, payload } from './payload.ts'

/** An API as a customer writes it: a route behind the gate, for those who may read users. */
// A million cut-offs take their time on a machine that others share.
const app = Fastify({ http: { optimizeEmptyRequests: true }, pluginTimeout: 60_000 })
await app.register(gatewright)
const gate = { access: permission('users:read'), limit: 'read', audit: 'none' } as const
app.get(path, { config: { gate } }, (_request, reply) => {
  reply.send(payload)
})

const { accessTokens, clock, random } = app.gatewright
/** A token is verified without the database: each is of a user and a session of its own. */
const newToken = async (): Promise<string> => {
  const now = clock.now()
  const sign = await accessTokens.getSign()
  return sign({
    userId: newId(random),
    sessionId: newId(random),
    userVersion: 1,
    expiresAt: now + 3_600_000,
    authTime: now,
    amr: ['pwd'],
    roles: ['user'],
  })
}
const callers: string[] = []
for (let made = Number(process.argv[2] ?? 1); made > 0; made -= 1)
  callers.push(`Authorization: Bearer ${await newToken()}`)

process.once('SIGTERM', () => app.close())
const { host, port } = app.gatewright.settings
await app.listen({ host, port })
console.log(JSON.stringify({ url: app.gatewright.publicUrl, callers }))
