import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { permission } from '../../permissions/access-rule.ts'
import { metricsType, type ReadMetrics } from '../metrics/metrics.ts'
import { serveMetrics } from '../metrics/metrics-server.ts'

/** What a monitoring system reads: here for whoever has the permission, or on a port of its own. */
export const metricsRoutes = (app: FastifyInstance, engine: Engine, read: ReadMetrics): void => {
  const { metricsPort } = engine.settings
  if (metricsPort !== undefined) {
    serveMetrics(app, engine, read, metricsPort)
    return
  }
  const gate = {
    access: permission('metrics:read'),
    principals: ['user', 'api-key'],
    limit: 'read',
    audit: 'none',
  } as const
  app.get('/metrics', { config: { page: true, gate } }, async (_request, reply) =>
    reply.type(metricsType).send(await read()),
  )
}
