import pg from 'pg'
import { second } from '../ground/clock.ts'
import { parsePostgresAddress } from '../ground/postgres-address.ts'
import { toConnectionFailure } from './connection-failure.ts'
import { streamOf, toClientConfig } from './postgres-pool.ts'

export type Listener = {
  /** Resolves when the connection is no more. */
  readonly ended: Promise<void>
  readonly close: () => void
}

/** How long a connection and the words on it may take. */
const longest = 2 * second

/**
 * Opens one connection to PostgreSQL that hears what is notified on these channels from now on: what is
 * committed after this has resolved is heard, as long as the connection is whole. No payload is looked at.
 * @throws ConnectionFailure
 */
export const openListener = async (
  url: string,
  channels: readonly string[],
  onNotice: (channel: string) => void,
): Promise<Listener> => {
  const address = parsePostgresAddress(url)
  if (address === undefined) throw new TypeError('not the address of a PostgreSQL database')
  const client = new pg.Client({ ...toClientConfig(address, longest), query_timeout: longest })
  const ended = new Promise<void>(resolve => client.once('end', resolve))
  /** A server that is gone does not say goodbye. */
  const close = (): void => {
    const stream = streamOf(client)
    stream.setTimeout(second, () => stream.destroy())
    void client.end().catch(() => {})
  }
  // One that breaks ends; that it does is enough to know.
  client.on('error', close)
  client.on('notification', ({ channel }) => onNotice(channel))
  try {
    await client.connect()
    await client.query(channels.map(channel => `listen ${pg.escapeIdentifier(channel)}`).join('; '))
  } catch (error) {
    close()
    throw toConnectionFailure(error, address)
  }
  return { ended, close }
}
