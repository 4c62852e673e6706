import { findFreePort } from '../process/free-port.ts'
import { type FoundProgram, findOnPath, findProgram } from './debian-program.ts'
import { type RunningProgram, startListening } from './program.ts'

/** A server of Valkey or Redis of the tests' own, which keeps nothing. */
export type ValkeyServer = {
  readonly port: number
  readonly url: string
  readonly stop: () => Promise<void>
  /** On the same port. */
  readonly restart: () => Promise<void>
  readonly pid: () => number
}

const packages = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1', 'libatomic1']

/** A text says why there is none. */
export const findValkey = async (): Promise<FoundProgram | string> => {
  const path = findOnPath('valkey-server')
  return path === undefined ? findProgram('redis-server', packages) : { path, env: {} }
}

type Options = {
  readonly password?: string
  /** Paths of PEM files; it then speaks TLS only. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export const startValkey = async (
  program: FoundProgram,
  { password, tls }: Options = {},
): Promise<ValkeyServer> => {
  const port = await findFreePort()
  const ports = tls
    ? ['--port', '0', '--tls-port', `${port}`, '--tls-cert-file', tls.cert, '--tls-key-file', tls.key]
    : ['--port', `${port}`]
  const args = [
    ...ports,
    ...(tls ? ['--tls-auth-clients', 'no'] : []),
    ...['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    ...(password === undefined ? [] : ['--requirepass', password]),
  ]
  const start = (): Promise<RunningProgram> => startListening(program, { args, port })
  let running = await start()
  return {
    port,
    url: `${tls ? 'rediss' : 'redis'}://${password === undefined ? '' : `:${password}@`}localhost:${port}`,
    stop: () => running.stop(),
    restart: async () => {
      running = await start()
    },
    pid: () => running.pid,
  }
}
