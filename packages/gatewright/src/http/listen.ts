import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { codeOf } from '../ground/error-code.ts'
import { toListenFailure } from './listen-failure.ts'
import type { Servers } from './servers.ts'

/** `localhost` is both loopback addresses, whatever this machine's file of hosts says. */
export const addressesOf = (host: string): readonly [string, ...string[]] =>
  host === 'localhost' ? ['127.0.0.1', '::1'] : [host]

/** A machine without IPv6 has no ::1. */
export const isMissing = (error: unknown): boolean =>
  ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error))

/**
 * Listens on every address of the host, or not at all: whoever has the port on the other loopback address
 * would be sent a part of our callers, with their passwords.
 */
export const listen = async (
  app: FastifyInstance,
  { listenAlso }: Pick<Servers, 'listenAlso'>,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> => {
  const [first, ...further] = addressesOf(host)
  try {
    await app.listen({ host: first, port })
    for (const address of further)
      await listenAlso(address, port).catch(error => {
        if (!isMissing(error)) throw error
      })
  } catch (error) {
    throw toListenFailure(error, 'PORT', port)
  }
}

/** A port that is free on every address of the host, kept from others until it is released. */
export type HeldPort = { readonly port: number; readonly release: () => Promise<void> }

const hold = async (host: string, port: number): Promise<Server> => {
  // A worker would be given a port by its parent, which goes on holding it.
  const server = createServer(socket => socket.destroy()).listen({ host, port, exclusive: true })
  await once(server, 'listening')
  return server
}

const holdEverywhere = async (host: string, held: Server[]): Promise<number> => {
  const [first, ...further] = addressesOf(host)
  const server = await hold(first, 0)
  held.push(server)
  const { port } = server.address() as { port: number }
  for (const address of further)
    await hold(address, port).then(
      also => held.push(also),
      error => {
        if (!isMissing(error)) throw error
      },
    )
  return port
}

/** More often than this a port is not taken on the second address only. */
const mostAttempts = 20

/** Names and links know the port, so a free one is found, and held, before anything is built. */
export const holdFreePort = async (host: string): Promise<HeldPort> => {
  for (let attempt = 1; ; attempt += 1) {
    const held: Server[] = []
    const release = async (): Promise<void> => {
      await Promise.all(held.splice(0).map(server => once(server.close(), 'close')))
    }
    try {
      return { port: await holdEverywhere(host, held), release }
    } catch (error) {
      await release()
      if (codeOf(error) !== 'EADDRINUSE' || attempt === mostAttempts) throw toListenFailure(error, 'PORT', 0)
    }
  }
}
