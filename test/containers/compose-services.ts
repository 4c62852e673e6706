import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { FoundProgram } from '../servers/debian-program.ts'
import { type RunningProgram, startListening } from '../servers/program.ts'
import {
  asPrepared,
  type Installation,
  type ShippedNginx,
  startShippedNginx,
} from '../servers/shipped-nginx.ts'
import { mountedAt, type Service } from './compose.ts'

/*
 * Services of compose.yaml as programs of this machine: with the words and files that are said there, in which only
 * hosts, ports and folders are changed.
 */

type Changes = readonly (readonly [from: string, to: string])[]

const change = (text: string, changes: Changes): string =>
  changes.reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), `${changed} has no ${from}`)
    return changed.replaceAll(from, () => to)
  }, text)

type Counters = {
  readonly top: string
  readonly secrets: string
  readonly folder: string
  readonly port: number
}

/** Valkey, or Redis, with the file that is mounted. */
export const startCounters = (
  service: Service,
  program: FoundProgram,
  { top, secrets, folder, port }: Counters,
): Promise<RunningProgram> => {
  const [, path = '', ...more] = service.command ?? []
  const file = join(folder, 'valkey.conf')
  const changed = change(readFileSync(join(top, mountedAt(service, path)), 'utf8'), [
    ['/run/secrets', secrets],
    ['bind 0.0.0.0', 'bind 127.0.0.1'],
    ['port 6379', `port ${port}`],
    ['dir /data', 'dir /tmp'],
  ])
  writeFileSync(file, changed, { mode: 0o644 })
  return startListening(program, { args: [file, ...more], port })
}

type Entrance = Pick<Installation, 'hostName' | 'ports' | 'asRoot'> & {
  /** Where `prepare.sh` was run. */
  readonly top: string
  /** What is mounted at `/etc/letsencrypt`. */
  readonly certificates: string
  readonly upstream: string
}

/** nginx, with the file that `prepare.sh` has written. */
export const startEntrance = (
  service: Service,
  program: FoundProgram,
  { top, certificates, upstream, ...installation }: Entrance,
): Promise<ShippedNginx> => {
  const { hostName } = installation
  const file = join(top, mountedAt(service, '/etc/nginx/conf.d'), 'gatewright.conf')
  const live = join(certificates, 'live', hostName)
  return startShippedNginx(program, {
    ...installation,
    source: asPrepared(file, hostName),
    upstreams: [upstream],
    certificate: { certFile: join(live, 'fullchain.pem'), keyFile: join(live, 'privkey.pem') },
  })
}

const run = promisify(execFile)

/** Whether the health check of a service, as it is written there, is content. */
const isHealthy = async (
  { healthcheck }: Service,
  changes: Changes,
  env: Readonly<Record<string, string>>,
): Promise<boolean> => {
  const [kind, text = ''] = healthcheck?.test ?? []
  assert.equal(kind, 'CMD-SHELL')
  return run('sh', ['-c', change(text, changes)], { env: { PATH: process.env.PATH, ...env } }).then(
    () => true,
    () => false,
  )
}

/** The client lies beside the server. */
export const areCountersHealthy = (
  service: Service,
  { path, env }: FoundProgram,
  { secrets, port }: Pick<Counters, 'secrets' | 'port'>,
): Promise<boolean> => {
  const client = join(dirname(path), path.endsWith('valkey-server') ? 'valkey-cli' : 'redis-cli')
  const changes: Changes = [
    ['/run/secrets', secrets],
    ['valkey-cli ', `${client} -p ${port} `],
  ]
  return isHealthy(service, changes, env)
}

export const isEntranceHealthy = (service: Service, publicUrl: string): Promise<boolean> => {
  const { port } = new URL(publicUrl)
  return isHealthy(service, [['127.0.0.1:443', `127.0.0.1:${port}`]], { PUBLIC_URL: publicUrl })
}
