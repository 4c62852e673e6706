import { after, before } from 'node:test'
import { type Permission, permission } from 'gatewright/access'
import type { Application } from 'gatewright/app'
import type { Engine } from 'gatewright/compose'
import { defaultSettings, type Settings } from 'gatewright/settings'
import { openTestApp } from '../../packages/gatewright/src/testing/open-test-app.ts'
import { newMigratedDatabase } from '../database.ts'
import { createFakeClock } from '../harness.ts'
import { freshName } from '../senders.ts'
import { addUser, type SignedIn, signInAs } from '../sessions/signed-in.ts'

/** What this application declares: the compiler of the tests knows the blog's only. */
export const declared = {
  permissions: { 'reports:read': 'read reports', 'reports:write': 'write reports' },
  roles: {
    helpdesk: ['users:read', 'users:write'],
    analyst: ['reports:read'],
    editor: ['reports:read', 'reports:write'],
    keeper: ['roles:write'],
  },
} as unknown as Pick<Application, 'permissions' | 'roles'>

const reads = { access: permission('reports:read' as Permission), limit: 'read', audit: 'none' } as const
const writes = { access: permission('reports:write' as Permission), limit: 'write', audit: 'none' } as const

/** Reports, for those who may read them and those who may write them. */
const plugin: Application['plugin'] = async app => {
  app.get('/reports', { config: { gate: reads } }, async () => ({ reports: [] }))
  app.post('/reports', { config: { gate: writes } }, async () => ({ written: true }))
}

export type OpenedApp = Awaited<ReturnType<typeof openTestApp>>

export type Scene = {
  /** The first process. */
  readonly engine: Engine
  readonly app: OpenedApp['app']
  readonly clock: ReturnType<typeof createFakeClock>
  /** One more on the same database. */
  readonly open: (overrides?: Partial<Settings>, application?: Partial<Application>) => Promise<OpenedApp>
  readonly newUser: (...roles: readonly string[]) => Promise<string>
  readonly signIn: (...roles: readonly string[]) => Promise<SignedIn>
  readonly rolesOf: (userId: string) => Promise<readonly string[]>
}

/** An application of its own for the tests of a file, and a user `root`, so that nobody else is the last. */
export const useOwnApplication = (): Scene => {
  const scene = {} as { -readonly [Name in keyof Scene]: Scene[Name] }
  const opened: { readonly close: () => Promise<unknown> }[] = []

  before(async () => {
    const database = await newMigratedDatabase()
    opened.push({ close: database.drop })
    const clock = createFakeClock()
    const open: Scene['open'] = async (overrides = {}, application = {}) => {
      const settings = defaultSettings({
        nodeEnv: 'test',
        databaseUrl: database.url,
        gatewrightSecret: ['A'.repeat(43)],
        limitsScale: 1_000,
        ...overrides,
      })
      const subject = { application: { plugin, ...declared, ...application } }
      const app = await openTestApp({ settings, clock, subject })
      opened.push(app)
      await app.engine.housekeeping.stop()
      return app
    }
    const { engine, app } = await open()
    const newUser: Scene['newUser'] = async (...roles) => (await addUser(engine, freshName(), { roles })).id
    Object.assign(scene, {
      engine,
      app,
      clock,
      open,
      newUser,
      signIn: async (...roles) => signInAs(engine, await newUser(...roles)),
      rolesOf: async userId => {
        const held = engine.db.selectFrom('user_roles').select('role').where('user_id', '=', userId)
        return (await held.orderBy('role').execute()).map(({ role }) => role)
      },
    } satisfies Scene)
    await addUser(engine, 'root', { roles: ['admin'] })
  })
  after(async () => {
    for (const { close } of opened.reverse()) await close()
  })
  return scene
}
