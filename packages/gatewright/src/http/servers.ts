import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { Server as NetServer, type Socket } from 'node:net'
import { second } from '../ground/clock.ts'
import type { Certificate } from './certificate.ts'
import { longestRest } from './longest-rest.ts'

/** Slow or silent clients are let go; a request of a healthy one takes far less. */
const timeouts = {
  headersTimeout: 20 * second,
  requestTimeout: 60 * second,
  keepAliveTimeout: longestRest,
  connectionsCheckingInterval: 5 * second,
}

export const serverOptions = {
  ...timeouts,
  maxHeaderSize: 16 * 1_024,
  requireHostHeader: false,
  noDelay: true,
  /** A request without a body has none to be read to its end: a tenth of the work of a small GET. */
  optimizeEmptyRequests: true,
}

/** Forward secrecy and authenticated encryption only, with a key of either kind (RFC 9325 §4.2). */
const tls = {
  handshakeTimeout: timeouts.headersTimeout,
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    ...['ECDSA', 'RSA'].flatMap(key => [
      `ECDHE-${key}-AES128-GCM-SHA256`,
      `ECDHE-${key}-AES256-GCM-SHA384`,
      `ECDHE-${key}-CHACHA20-POLY1305`,
    ]),
  ].join(':'),
} as const

/** Whoever shows no certificate that an authority of ours made is refused at the handshake, before any request. */
const toTlsOptions = ({ clientCa, ...pair }: Certificate) => ({
  ...pair,
  ...tls,
  ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
})

/** One server for each address that is listened on, all with the same handler. */
export type Servers = {
  /** Makes the first one, which Fastify listens and closes with. */
  readonly create: (handler: RequestListener) => Server
  /** Listens on one address more, beside the first one. */
  readonly listenAlso: (host: string, port: number) => Promise<void>
  /** Takes no more connections where `listenAlso` listens. Resolves when the last one there has ended. */
  readonly closeFurther: () => Promise<void>
  /**
   * Takes no more connections, and lets none live longer than its next answer. One that rests is not closed:
   * a request may be on the way. Resolves when the last one has ended.
   */
  readonly retire: () => Promise<void>
  readonly closeIdleConnections: () => void
  readonly closeAllConnections: () => void
  /**
   * Uses another certificate for new connections. Where callers are now asked for one of another authority, the
   * connections of before end with their next answer.
   */
  readonly useCertificate: (certificate: Certificate) => void
}

type Dependencies = {
  readonly certificate: Certificate | undefined
  readonly answerBrokenRequest: (error: Error, socket: Socket) => void
}

export const createServers = ({ certificate, answerBrokenRequest }: Dependencies): Servers => {
  const servers: (Server | HttpsServer)[] = []
  let handler: RequestListener | undefined
  let isRetiring = false
  let { clientCa } = certificate ?? {}
  /** Connections of callers who have shown a certificate of `clientCa`, where there is one. */
  let admitted = new WeakSet<Socket>()
  /** Handshakes that began under the former authority may still be on the way. */
  let isTurning = false

  const turnTo = (next: Certificate['clientCa']): void => {
    ;[clientCa, admitted, isTurning] = [next, new WeakSet(), true]
    setTimeout(() => {
      isTurning = false
    }, tls.handshakeTimeout).unref()
  }
  const admit = (socket: Socket): void => {
    if (clientCa !== undefined && !isTurning) admitted.add(socket)
  }
  const add = (): Server | HttpsServer => {
    const server = certificate
      ? createHttpsServer({ ...serverOptions, ...toTlsOptions(certificate) }, handler)
      : createHttpServer(serverOptions, handler)
    server.on('secureConnection', admit)
    // Node.js would answer an expectation by itself, without our headers; RFC 9110 §10.1.1 lets us ignore it.
    if (handler !== undefined) server.on('checkExpectation', handler)
    servers.push(server)
    return server
  }
  return {
    create: main => {
      handler = (request, response) => {
        // No path (RFC 9112 §3.2.4): the router would take it for the front page.
        if (request.url === '*') request.url = '/*'
        if (isRetiring || (clientCa !== undefined && !admitted.has(request.socket)))
          response.setHeader('connection', 'close')
        main(request, response)
      }
      return add() as Server
    },
    listenAlso: async (host, port) => {
      const server = add().on('clientError', answerBrokenRequest).listen({ host, port })
      await once(server, 'listening').catch(error => {
        servers.splice(servers.indexOf(server), 1)
        throw error
      })
    },
    closeFurther: async () => {
      await Promise.all(servers.slice(1).map(server => once(server.close(), 'close')))
    },
    retire: async () => {
      isRetiring = true
      // That of HTTP servers would close the connections that rest as well.
      const close = (server: Server | HttpsServer) => once(NetServer.prototype.close.call(server), 'close')
      await Promise.all(servers.map(close))
    },
    closeIdleConnections: () => {
      for (const server of servers) server.closeIdleConnections()
    },
    closeAllConnections: () => {
      for (const server of servers) server.closeAllConnections()
    },
    useCertificate: next => {
      if (next.clientCa !== clientCa) turnTo(next.clientCa)
      for (const server of servers)
        if ('setSecureContext' in server) server.setSecureContext(toTlsOptions(next))
    },
  }
}
