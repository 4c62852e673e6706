import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '../process/free-port.ts'
import { type FoundProgram, findProgram } from './debian-program.ts'
import { startListening } from './program.ts'

/** Stands before PostgreSQL, and lends its connections: for a transaction, or for as long as a client stays. */
export type Pgbouncer = { readonly url: string; readonly stop: () => Promise<void> }

/** A text says why there is none. */
export const findPgbouncer = (): Promise<FoundProgram | string> =>
  findProgram('pgbouncer', ['pgbouncer', 'libevent-2.1-7', 'libc-ares2'])

export const startPgbouncer = async (
  program: FoundProgram,
  { server, mode }: { readonly server: string; readonly mode: 'session' | 'transaction' },
): Promise<Pgbouncer> => {
  const [target, port] = [new URL(server), await findFreePort()]
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-pgbouncer-'))
  chmodSync(folder, 0o755)
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(
    file,
    `[databases]
* = host=127.0.0.1 port=${target.port} user=${target.username} password=${target.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
max_client_conn = 200
default_pool_size = 20
`,
    { mode: 0o644 },
  )
  const { stop } = await startListening(program, { args: [file], port })
  const url = new URL(server)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    stop: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
