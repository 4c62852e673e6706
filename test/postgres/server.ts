import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '../process/free-port.ts'
import { until } from '../process/until.ts'
import { loadEmbeddedPostgres } from './embedded.ts'
import { killPostgres } from './kill-postgres.ts'

/** A PostgreSQL server of the tests' own, on a free port of loopback. */
export type PostgresServer = {
  /** The address of its database `postgres`, as a superuser. */
  readonly url: string
  /** Stops it and removes its data. */
  readonly stop: () => Promise<void>
  /** Ends all its processes by SIGKILL at once: none of them writes a byte more. */
  readonly crash: () => Promise<void>
  /** Stops it and keeps its data: with connections closed, or as if the machine had lost its power. */
  readonly halt: (how?: 'fast' | 'immediate') => Promise<void>
  /** Starts it again on the same port and data; after a crash it recovers. */
  readonly restart: () => Promise<void>
  /** Keeps a copy of its data, as a backup or a stand-by that falls behind. Halts it, and starts it again. */
  readonly keep: () => Promise<void>
  /** Starts it again on the data that were kept. */
  readonly goBack: () => Promise<void>
  /** Writes a file into its data folder, for its own user only. */
  readonly write: (name: string, text: string) => void
}

/**
 * Logic is proved with durability off. The order of text is a language's, as with most servers out there:
 * what relies on the order of bytes shows.
 */
const withoutDurability = ['-c', 'fsync=off', '-c', 'synchronous_commit=on', '-c', 'full_page_writes=off']

const user = 'gatewright_owner'
const secret = 'only-on-loopback'

/** Also a stand-by's line, which the package does not wait for. */
const isReady = /ready to accept (read-only )?connections/

type Options = {
  readonly flags?: readonly string[]
  /** Files of its data folder, there before it starts. */
  readonly files?: Readonly<Record<string, string>>
  /** Where its data folder is made. */
  readonly place?: string
}

export const startPostgres = async ({
  flags = withoutDurability,
  files = {},
  place = tmpdir(),
}: Options = {}): Promise<PostgresServer> => {
  const folder = mkdtempSync(join(place, 'gatewright-postgres-'))
  const lines: string[] = []
  let tellReady = (): void => {}
  const onLine = (line: unknown): void => {
    lines.push(String(line))
    if (isReady.test(String(line))) tellReady()
  }
  const EmbeddedPostgres = await loadEmbeddedPostgres()
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    user,
    password: secret,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [
      '--encoding=UTF8',
      '--no-sync',
      '--locale-provider=icu',
      '--icu-locale=en-US',
      '-c',
      'scram_iterations=1',
    ],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=300', ...flags],
    onLog: onLine,
    onError: onLine,
  })
  const write = (name: string, text: string): void => {
    const { uid, gid } = statSync(folder)
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    chownSync(join(folder, name), uid, gid)
  }
  const start = async (): Promise<void> => {
    const ready = new Promise<void>(resolve => {
      tellReady = resolve
    })
    await Promise.race([server.start(), ready]).catch(error => {
      throw new Error(`PostgreSQL did not start: ${lines.join('')}`, { cause: error })
    })
  }
  // The package knows one way to stop, waits for ever for what has stopped, and wants a port long before it needs one.
  const inner = server as unknown as { process: ChildProcess | undefined; readonly options: { port: number } }

  process.once('exit', () => inner.process?.kill('SIGQUIT'))

  const endBy = async (kill: (running: ChildProcess) => void): Promise<void> => {
    const running = inner.process
    if (running === undefined || running.exitCode !== null) return
    const ended = once(running, 'exit')
    kill(running)
    if (running.exitCode === null && running.signalCode === null) await ended
    inner.process = undefined
  }
  const end = (signal: NodeJS.Signals): Promise<void> => endBy(running => running.kill(signal))
  const hasStarted = (): Promise<boolean> =>
    start().then(
      () => true,
      () => false,
    )

  const kept = `${folder}-kept`
  // A process that was killed may hold the shared memory for a moment longer.
  const restart = async (): Promise<void> => void (await until('PostgreSQL starts again', hasStarted, 20_000))
  const copyWhileHalted = async (from: string, to: string): Promise<void> => {
    await end('SIGINT')
    rmSync(to, { recursive: true, force: true })
    execFileSync('cp', ['-a', from, to])
    await restart()
  }

  await server.initialise()
  for (const [name, text] of Object.entries(files)) write(name, text)
  const port = await findFreePort()
  inner.options.port = port
  await start()
  return {
    url: `postgres://${user}:${secret}@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await end('SIGINT')
      for (const path of [folder, kept]) rmSync(path, { recursive: true, force: true })
    },
    crash: () => endBy(() => killPostgres(folder)),
    halt: (how = 'fast') => end(how === 'fast' ? 'SIGINT' : 'SIGQUIT'),
    restart,
    keep: () => copyWhileHalted(folder, kept),
    goBack: () => copyWhileHalted(kept, folder),
    write,
  }
}
