import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { newId } from '../../ground/random.ts'
import { Refusal } from '../../ground/refusal.ts'
import { addressesOf, isMissing } from '../listen.ts'
import { toListenFailure } from '../listen-failure.ts'
import { toRawAnswer } from '../raw-answer.ts'
import { securityHeaders } from '../security-headers.ts'
import { serverOptions } from '../servers.ts'
import { metricsType, type ReadMetrics } from './metrics.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const findRefusal = ({ method = '', url = '' }: IncomingMessage): Refusal | undefined => {
  if (url.split('?', 1)[0] !== '/metrics') return new Refusal('not_found')
  return ['GET', 'HEAD'].includes(method)
    ? undefined
    : new Refusal('method_not_allowed', { allow: ['GET', 'HEAD'] })
}

const toAnswer = async (engine: Engine, read: ReadMetrics, request: IncomingMessage, requestId: string) => {
  const refusal = findRefusal(request)
  if (refusal !== undefined) return toRawAnswer(engine, refusal, requestId)
  const headers = { ...securityHeaders(engine.publicUrl), 'x-request-id': requestId }
  return { status: 200, headers: { ...headers, 'content-type': metricsType }, body: await read() }
}

const createHandler =
  (engine: Engine, read: ReadMetrics): Handler =>
  (request, response) => {
    const requestId = newId(engine.random)
    toAnswer(engine, read, request, requestId)
      .catch(() => toRawAnswer(engine, new Refusal('internal_error'), requestId))
      .then(({ status, headers, body }) => {
        response.writeHead(status, { ...headers, 'cache-control': 'no-store' })
        response.end(request.method === 'HEAD' ? undefined : body)
      })
  }

const listenOn = async (address: string, port: number, handler: Handler): Promise<Server> => {
  const server = createServer(serverOptions, handler).listen({ host: address, port })
  await once(server, 'listening')
  return server.unref()
}

const close = async (server: Server): Promise<void> => {
  const closed = once(server.close(), 'close')
  server.closeAllConnections()
  await closed
}

/**
 * `/metrics` and nothing else, on every address of the host, for whoever can reach the port: no credential
 * is read there. It lives as long as the application.
 * @throws SettingsError where another program has the port
 */
export const serveMetrics = (app: FastifyInstance, engine: Engine, read: ReadMetrics, port: number): void => {
  const servers: Server[] = []
  const handler = createHandler(engine, read)
  app.addHook('onReady', async () => {
    for (const [index, address] of addressesOf(engine.settings.host).entries())
      try {
        servers.push(await listenOn(address, port, handler))
      } catch (error) {
        if (index > 0 && isMissing(error)) continue
        throw toListenFailure(error, 'METRICS_PORT', port)
      }
  })
  app.addHook('onClose', async () => void (await Promise.all(servers.splice(0).map(close))))
}
