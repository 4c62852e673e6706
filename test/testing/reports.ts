import Fastify from 'fastify'
import { gatewright } from 'gatewright'
import { permission, signedIn } from 'gatewright/access'
import type { Application } from 'gatewright/app'
import { principalOf } from 'gatewright/request'

const gate = { access: signedIn(), limit: 'write', audit: 'none' } as const

const plugin: Application['plugin'] = async app => {
  app.get('/hello', { config: { gate } }, async request => ({ user: principalOf(request).userId }))
  app.post('/hello', { config: { gate } }, async () => ({ said: true }))
  const reports = { ...gate, access: permission('metrics:read') }
  app.get('/reports', { config: { gate: reports } }, async () => ({ reports: [] }))
}

/** What the hooks of {@link reports} have done, and whether they fail. */
export const done = { users: [] as string[], isBroken: false }

/** An application of somebody's: two routes, a role, a field of users, a hook. */
export const reports: Application = {
  plugin,
  roles: { analyst: ['metrics:read'] },
  userFields: { plan: { schema: { type: 'string' }, read: 'self', write: 'nobody' } },
  hooks: {
    registered: async ({ userId }) => {
      if (done.isBroken) throw new Error('not today')
      done.users.push(userId)
    },
    'role-changed': async () => {},
  },
}

/** The same as an application that registers the plugin by itself. */
export const buildReports = async (given: typeof gatewright = gatewright) => {
  const { plugin: routes, ...options } = reports
  const app = Fastify()
  await app.register(given, options)
  await app.register(routes)
  return app
}
