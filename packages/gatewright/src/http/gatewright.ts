import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { compose, type Engine } from '../compose.ts'
import { isLoopback } from '../ground/address.ts'
import { SettingsError } from '../ground/load-settings.ts'
import { productionReasons } from '../ground/production-rules.ts'
import { newId } from '../ground/random.ts'
import { loadStartSettings } from '../ground/start-settings.ts'
import type { Application } from './app.ts'
import { openLog } from './log.ts'
import { gatePlugin } from './plugin.ts'

export type GatewrightOptions = Omit<Application, 'plugin'> & {
  /** Where the account routes stand; `/auth` without a word. */
  readonly mount?: string
}

/** Links, issuer and origins are known before the application listens. */
const checkPort = ({ port, publicUrl }: Engine['settings']): void => {
  if (port === 0 && publicUrl === undefined)
    throw new SettingsError([
      'PORT is 0: write the number that the application listens on, or set PUBLIC_URL',
    ])
}

/**
 * Production's rules follow HOST and PUBLIC_URL; an application that listens for other machines beside
 * what they say would escape them, so it is closed.
 */
const guardAddresses = (app: FastifyInstance, { settings, processes }: Engine): void => {
  if (productionReasons(settings, processes.surroundings()).length > 0) return
  app.addHook('onListen', async () => {
    // A socket that is a file is reached from this machine only.
    const addresses = app.addresses().map(where => (typeof where === 'string' ? '127.0.0.1' : where.address))
    const open = addresses.find(address => !isLoopback(address))
    if (open === undefined) return
    process.stderr.write(
      `gatewright: the application listens on ${open}, which other machines can reach, and HOST is ${settings.host}: set HOST to where it listens, so that production's rules hold\n`,
    )
    process.exitCode = 1
    await app.close()
  })
}

const register = async (app: FastifyInstance, options: GatewrightOptions): Promise<void> => {
  const { migrations = [], permissions, roles, ...gate } = options
  const { settings, sources } = loadStartSettings()
  checkPort(settings)
  const { logger: log } = await openLog(settings)
  const engine = await compose({
    settings,
    sources,
    migrations,
    declaration: { ...(permissions && { permissions }), ...(roles && { roles }) },
  })
  app.addHook('onClose', engine.close)
  app.setGenReqId(() => newId(engine.random))
  guardAddresses(app, engine)
  await app.register(gatePlugin, { engine, log, ...gate })
}

/**
 * Gatewright in a Fastify application of yours: settings from the environment and `.env`, the account
 * routes under `/auth`, and every route refused that does not say who may use it. Register it first, and
 * await it. Listen on the `host` and `port` of `app.gatewright.settings`.
 *
 *     await app.register(gatewright, { permissions, roles: { analyst: ['reports:read'] } })
 *     const gate = { access: permission('reports:read'), limit: 'read', audit: 'none' } as const
 *     app.get('/reports', { config: { gate } }, listReports)
 *
 * @throws SettingsError for settings that can't be used, TypeError for a declaration that can't
 */
export const gatewright = fastifyPlugin(register, { fastify: '5.x', name: 'gatewright-application' })
