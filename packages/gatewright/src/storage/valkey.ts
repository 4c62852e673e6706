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
  } as const
}

/** The library is loaded here, by whoever has a server. */
const makeClient = async (
  address: ValkeyAddress,
  more: { readonly commandOptions?: { timeout: number } },
) => {
  const { createClient } = await import('@redis/client')
  return createClient({ ...toOptions(address), ...more })
}

type Client = Awaited<ReturnType<typeof makeClient>>

/** The library's own limit is over once there is a connection: what is said first on it may stay unanswered. */
const inTime = async (work: () => Promise<unknown>): Promise<void> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('it does not answer')), longest)
  try {
    await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Opens one connection, and prepares it. @throws Error which names the address without the password */
const connect = async (
  url: string,
  more: Parameters<typeof makeClient>[1],
  prepare: (client: Client) => Promise<unknown>,
) => {
  const address = parseValkeyAddress(url)
  if (address === undefined) throw new TypeError('not the address of a Valkey server')
  const client = await makeClient(address, more)
  const ended = Promise.withResolvers<void>()
  const close = (): void => {
    client.destroy()
    ended.resolve()
  }
  client.on('error', close)
  try {
    await inTime(async () => {
      await client.connect()
      await prepare(client)
    })
  } catch (error) {
    client.destroy()
    throw explain(error, address)
  }
  return { client, ended: ended.promise, close }
}

/**
 * Opens one connection that hears what is published on these channels, and publishes. Messages are not
 * looked at.
 * @throws Error which names the address without the password
 */
export const openValkey = async (
  url: string,
  channels: readonly string[],
  onMessage: (channel: string) => void,
): Promise<Valkey> => {
  const { client, ended, close } = await connect(url, { commandOptions: { timeout: longest } }, opened =>
    opened.subscribe([...channels], (_, channel) => onMessage(channel)),
  )
  return { publish: channel => client.publish(channel, ''), ended, close }
}

/** One connection on which scripts in Lua are run. */
export type ValkeyScripts = Pick<Valkey, 'ended' | 'close'> & {
  /** @throws Error at once where the connection is no more, and where the server falls silent */
  readonly run: (script: string, keys: readonly string[], values: readonly string[]) => Promise<unknown>
}

/** How long a server may be silent to whoever waits for it. */
const longestSilence = second

/** Calls `onSilent` where somebody waits and nothing comes. */
const createWatch = (onSilent: () => void) => {
  let waiting = 0
  let answers = 0
  let timer: NodeJS.Timeout | undefined
  /** Where this process itself stood still, answers lie there unread, and are read before an immediate runs. */
  const look = (): void => {
    const before = answers
    setImmediate(() => {
      if (timer !== undefined && answers === before) onSilent()
    })
  }
  const noteAnswer = (): void => {
    waiting -= 1
    answers += 1
    if (waiting > 0) return void timer?.refresh()
    clearTimeout(timer)
    timer = undefined
  }
  return async <T>(ask: () => Promise<T>): Promise<T> => {
    waiting += 1
    timer ??= setTimeout(look, longestSilence)
    try {
      return await ask()
    } finally {
      noteAnswer()
    }
  }
}

/** The library would make a timer for each command, which costs more than the command. */
const unwatched = { commandOptions: { timeout: 0 } } as const

const isUnknownScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT')

/**
 * Opens one connection for scripts, which the server is told once and then known by a name. One that was made
 * to forget them is told again.
 * @throws Error which names the address without the password
 */
export const openValkeyScripts = async (url: string, scripts: readonly string[]): Promise<ValkeyScripts> => {
  const names = new Map<string, string>()
  const { client, ended, close } = await connect(url, unwatched, async opened => {
    for (const script of scripts) names.set(script, await opened.scriptLoad(script))
  })
  const watched = createWatch(close)
  const run: ValkeyScripts['run'] = async (script, keys, values) => {
    const given = { keys: [...keys], arguments: [...values] }
    try {
      return await client.evalSha(names.get(script) ?? '', given)
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return client.evalSha(await client.scriptLoad(script), given)
    }
  }
  return { run: (script, keys, values) => watched(() => run(script, keys, values)), ended, close }
}

/** What is weak about the way to it; undefined where it stays on this machine, or is encrypted. */
export const findValkeyWarning = ({ valkeyUrl }: Pick<Settings, 'valkeyUrl'>): string | undefined => {
  const address = valkeyUrl === undefined ? undefined : parseValkeyAddress(valkeyUrl)
  if (address === undefined || address.tls || !leavesMachine(address)) return undefined
  return 'VALKEY_URL asks for no TLS, and the server is on another machine: whoever is on the way reads its password. Write rediss:// there.'
}
