import { compose } from '../compose.ts'
import { SettingsError } from '../ground/load-settings.ts'
import type { Settings } from '../ground/settings.ts'
import { loadStartSettings } from '../ground/start-settings.ts'
import { createEnginePlugin, type OpenEngine, type PluginOptions } from './engine-plugin.ts'
import { openLog } from './log.ts'

export type GatewrightOptions = PluginOptions

/** Links, issuer and origins are known before the application listens. */
const checkPort = ({ port, publicUrl }: Settings): void => {
  if (port === 0 && publicUrl === undefined)
    throw new SettingsError([
      'PORT is 0: write the number that the application listens on, or set PUBLIC_URL',
    ])
}

const checkWorkers = ({ workers }: Settings): void => {
  if (workers !== 1)
    throw new SettingsError([
      'WORKERS is for the server that Gatewright starts itself: remove it, and start several processes of your application in its own way',
    ])
}

const openFromEnvironment: OpenEngine = async declared => {
  const { settings, sources } = loadStartSettings()
  checkPort(settings)
  checkWorkers(settings)
  const { logger: log } = await openLog(settings)
  return { engine: await compose({ settings, sources, ...declared }), log }
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
export const gatewright = createEnginePlugin(openFromEnvironment)
