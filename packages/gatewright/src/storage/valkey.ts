import { isIP } from 'node:net'
import { second } from '../ground/clock.ts'
import { leavesMachine } from '../ground/postgres-address.ts'
import type { Settings } from '../ground/settings.ts'
import { parseValkeyAddress, showValkeyAddress, type ValkeyAddress } from '../ground/valkey-address.ts'

/** One connection to a Valkey or Redis server. */
export type Valkey = {
  /** @throws Error at once where the connection is no more: nothing waits in a queue */
  readonly publish: (channel: string) => Promise<unknown>
  /** Resolves when the connection is no more. It is not made again. */
  readonly ended: Promise<void>
  readonly close: () => void
}

/** How long a connection and the words on it may take. */
const longest = 2 * second

/** What a failure says, which never has the password: the address is shown without. */
const explain = (error: unknown, address: ValkeyAddress): Error => {
  const cause = error instanceof AggregateError ? error.errors[0] : error
  const why = cause instanceof Error ? cause.message || String(Reflect.get(cause, 'code')) : String(cause)
  return new Error(`${showValkeyAddress(address)} can't be used: ${why}`, { cause: error })
}

const toOptions = ({ host, port, tls, username, password, database }: ValkeyAddress) => {
  const reach = {
    host,
    port,
    connectTimeout: longest,
    // Whoever needs the connection makes it again, and knows what to do meanwhile.
    reconnectStrategy: false,
  } as const
  return {
    // The name is that of the certificate, and what a proxy for several goes by.
    socket: tls ? ({ ...reach, tls: true, ...(isIP(host) === 0 && { servername: host }) } as const) : reach,
    database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    disableOfflineQueue: true,
    // One connection then publishes and hears what is published.
    RESP: 3,
    maintNotifications: 'disabled',
    disableClientInfo: true,
    commandOptions: { timeout: longest },
  } as const
}

/**
 * Opens one connection that hears what is published on these channels, and publishes. Messages are not
 * looked at. The library is loaded here, by whoever has a server.
 * @throws Error which names the address without the password
 */
export const openValkey = async (
  url: string,
  channels: readonly string[],
  onMessage: (channel: string) => void,
): Promise<Valkey> => {
  const address = parseValkeyAddress(url)
  if (address === undefined) throw new TypeError('not the address of a Valkey server')
  const { createClient } = await import('@redis/client')
  const client = createClient(toOptions(address))
  const ended = Promise.withResolvers<void>()
  client.on('error', () => {
    client.destroy()
    ended.resolve()
  })
  try {
    await client.connect()
    await client.subscribe([...channels], (_, channel) => onMessage(channel))
  } catch (error) {
    client.destroy()
    throw explain(error, address)
  }
  return {
    publish: channel => client.publish(channel, ''),
    ended: ended.promise,
    close: () => client.destroy(),
  }
}

/** What is weak about the way to it; undefined where it stays on this machine, or is encrypted. */
export const findValkeyWarning = ({ valkeyUrl }: Pick<Settings, 'valkeyUrl'>): string | undefined => {
  const address = valkeyUrl === undefined ? undefined : parseValkeyAddress(valkeyUrl)
  if (address === undefined || address.tls || !leavesMachine(address)) return undefined
  return 'VALKEY_URL asks for no TLS, and the server is on another machine: whoever is on the way reads its password. Write rediss:// there.'
}
