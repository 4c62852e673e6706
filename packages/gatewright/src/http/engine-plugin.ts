import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Logger } from 'pino'
import type { ComposeOptions, Engine } from '../compose.ts'
import { isLoopback } from '../ground/address.ts'
import { productionReasons } from '../ground/production-rules.ts'
import { createRequestIds } from '../ground/random.ts'
import type { Application } from './app.ts'
import { gatePlugin } from './plugin.ts'

export type PluginOptions = Omit<Application, 'plugin'> & {
  /** Where the account routes stand; `/auth` without a word. */
  readonly mount?: string
}

/** The engine of an application, and where its log lines go. */
export type OpenEngine = (
  declared: Required<Pick<ComposeOptions, 'migrations' | 'declaration'>>,
) => Promise<{ readonly engine: Engine; readonly log: Logger }>

/**
 * Production's rules follow HOST and PUBLIC_URL; an application that listens for other machines beside
 * what they say would escape them, so it is closed.
 */
export const guardAddresses = (app: FastifyInstance, { settings }: Engine): void => {
  if (productionReasons(settings).length > 0) return
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

/**
 * The plugin of an application of its own: `open` makes the engine, which closes with the application.
 */
export const createEnginePlugin = (open: OpenEngine): FastifyPluginAsync<PluginOptions> =>
  fastifyPlugin(
    async (app: FastifyInstance, options: PluginOptions): Promise<void> => {
      const { migrations = [], permissions, roles, ...gate } = options
      const declaration = { ...(permissions && { permissions }), ...(roles && { roles }) }
      const { engine, log } = await open({ migrations, declaration })
      app.addHook('onClose', engine.close)
      app.setGenReqId(createRequestIds(engine.random))
      guardAddresses(app, engine)
      for (const warning of engine.warnings) log.warn(warning)
      await app.register(gatePlugin, { engine, log, ...gate })
    },
    { fastify: '5.x', name: 'gatewright-application' },
  )
