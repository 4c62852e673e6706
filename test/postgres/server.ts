import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../process/until.ts'
import { EmbeddedPostgres } from './embedded.ts'
import { killPostgres } from './kill-postgres.ts'

/** A PostgreSQL server of the tests' own, on a free port of loopback. */
export type PostgresServer = {
  /** The address of its database `postgres`, as a superuser. */
  readonly url: string
  readonly stop: () => Promise<void>
  /** Ends all its processes by SIGKILL at once: none of them writes a byte more. */
  readonly crash: () => Promise<void>
  /** Starts it again on the same data; after a crash it recovers. */
  readonly restart: () => Promise<void>
}

const findFreePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

/**
 * Logic is proved with durability off. The order of text is a language's, as with most servers out there:
 * what relies on the order of bytes shows.
 */
const withoutDurability = ['-c', 'fsync=off', '-c', 'synchronous_commit=on', '-c', 'full_page_writes=off']

const user = 'gatewright_owner'
const secret = 'only-on-loopback'

export const startPostgres = async ({
  flags = withoutDurability,
}: {
  readonly flags?: readonly string[]
} = {}): Promise<PostgresServer> => {
  const port = await findFreePort()
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-postgres-'))
  const lines: string[] = []
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    user,
    password: secret,
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync', '--locale-provider=icu', '--icu-locale=en-US'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=300', ...flags],
    onLog: line => void lines.push(String(line)),
    onError: line => void lines.push(String(line)),
  })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${lines.join('')}`, { cause: error })
  }
  const hasStarted = (): Promise<boolean> =>
    server.start().then(
      () => true,
      () => false,
    )
  return {
    url: `postgres://${user}:${secret}@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
    crash: async () => {
      killPostgres(folder)
      // Only notices that it has ended.
      await server.stop()
    },
    // A process that was killed may hold the shared memory for a moment longer.
    restart: async () => void (await until('PostgreSQL starts again', hasStarted, 20_000)),
  }
}
