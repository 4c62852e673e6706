import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../process/until.ts'
import type { FoundProgram } from './debian-program.ts'
import { startListening } from './program.ts'

const shipped = join(import.meta.dirname, '../../deploy/nginx')

/** A file for `conf.d`, and what stands in it where an installation has its own. */
type Source = {
  readonly file: string
  readonly hostName: string
  readonly upstream: string
  readonly logs: readonly [requests: string, errors: string]
}

const asShipped: Source = {
  file: join(shipped, 'gatewright.conf'),
  hostName: 'api.example.org',
  upstream: '127.0.0.1:3000',
  logs: ['/var/log/nginx/gatewright.log', '/var/log/nginx/gatewright-error.log'],
}

/** As `deploy/compose/prepare.sh` has written it, for the network of `compose.yaml`. */
export const asPrepared = (file: string, hostName: string): Source => ({
  file,
  hostName,
  upstream: '172.31.250.3:3000',
  logs: ['/dev/stdout', '/dev/stderr'],
})

/** What an installation changes in `deploy/nginx/gatewright.conf`. */
export type Installation = {
  readonly hostName: string
  /** `127.0.0.1:3000`, one for each server. */
  readonly upstreams: readonly string[]
  /** Paths of PEM files, which everybody can read: nginx runs as nobody where the test is root. */
  readonly certificate: { readonly certFile: string; readonly keyFile: string }
  readonly ports: { readonly http: number; readonly https: number }
  /** In the place of the shipped file. */
  readonly source?: Source
  /** As in a container: its first process is root, and its workers are nobody. */
  readonly asRoot?: boolean
  /** What a test changes besides, in each of the files. */
  readonly edit?: (text: string) => string
}

export type ShippedNginx = {
  readonly folder: string
  /** The folder that the authority's proofs are put below, in `.well-known/acme-challenge`. */
  readonly acmeRoot: string
  /** The base of every link: `https://name:port`. */
  readonly publicUrl: string
  readonly pid: number
  /** What it has logged: one line of JSON for each request, and its errors. */
  readonly readLog: () => string
  readonly readErrors: () => string
  /** As `systemctl reload nginx` does. Resolves when new workers serve and the former take nothing new. */
  readonly reload: () => Promise<void>
  readonly stop: () => Promise<void>
}

const replaceAll = (text: string, changes: readonly (readonly [from: string, to: string])[]): string =>
  changes.reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), `the configuration of nginx has no ${from}`)
    return changed.replaceAll(from, () => to)
  }, text)

const configure = (folder: string, installation: Installation): string => {
  const { hostName, upstreams, certificate, ports, edit = text => text, source = asShipped } = installation
  const original = readFileSync(source.file, 'utf8').replaceAll(/^ *listen \[::\].*\n/gm, '')
  const live = `/etc/letsencrypt/live/${source.hostName}`
  const isServer = (line: string): boolean => line.trimStart().startsWith(`server ${source.upstream} `)
  const server = original.split('\n').find(isServer) ?? assert.fail('there is no server')
  return edit(
    replaceAll(original, [
      [`${live}/fullchain.pem`, certificate.certFile],
      [`${live}/privkey.pem`, certificate.keyFile],
      [`https://${source.hostName}`, `https://${hostName}:${ports.https}`],
      [source.hostName, hostName],
      [server, upstreams.map(place => server.replace(source.upstream, place)).join('\n')],
      ['listen 443', `listen 127.0.0.1:${ports.https}`],
      ['listen 80', `listen 127.0.0.1:${ports.http}`],
      ['/var/cache/nginx-gatewright', join(folder, 'cache')],
      [source.logs[0], join(folder, 'log/gatewright.log')],
      [source.logs[1], join(folder, 'log/gatewright-error.log')],
      ['/var/www/gatewright-acme', join(folder, 'acme')],
    ]),
  )
}

/** The files that an installation leaves as they are. */
const copyParts = (folder: string, { edit = text => text }: Installation): void => {
  mkdirSync(join(folder, 'gatewright'))
  for (const file of readdirSync(join(shipped, 'gatewright')))
    writeFileSync(
      join(folder, 'gatewright', file),
      edit(readFileSync(join(shipped, 'gatewright', file), 'utf8')),
    )
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Around it stands what Debian's own file says about all sites, so that ours must win over it. */
const toMain = (folder: string): string => `daemon off;
worker_processes 2;
worker_shutdown_timeout 30s;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'log/error.log')};
events { worker_connections 768; }
http {
sendfile on;
tcp_nopush on;
types_hash_max_size 2048;
default_type application/octet-stream;
ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
ssl_prefer_server_ciphers on;
access_log ${join(folder, 'log/access.log')};
gzip on;
${temporary.map(name => `${name}_temp_path ${join(folder, name)};`).join('\n')}
include conf.d/*.conf;
}
`

const listWorkers = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)

const reload = async (pid: number): Promise<void> => {
  const former = listWorkers(pid)
  process.kill(pid, 'SIGHUP')
  await until('nginx serves with the new configuration', () => {
    const now = listWorkers(pid)
    const fresh = now.filter(worker => !former.includes(worker))
    return fresh.length >= former.length && former.every(worker => !isTaking(worker))
  })
}

/** A former worker that still has connections calls itself so. */
const isTaking = (worker: string): boolean => {
  const file = `/proc/${worker}/cmdline`
  return existsSync(file) && !readFileSync(file, 'utf8').includes('shutting down')
}

/** nginx with the files of `deploy/nginx`, in which only what an installation changes is changed. */
export const startShippedNginx = async (
  program: FoundProgram,
  installation: Installation,
): Promise<ShippedNginx> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-shipped-nginx-'))
  chmodSync(folder, 0o777)
  const acmeRoot = join(folder, 'acme')
  for (const name of ['log', 'cache', 'conf.d', 'acme']) mkdirSync(join(folder, name))
  for (const name of ['log', 'cache']) chmodSync(join(folder, name), 0o777)
  copyParts(folder, installation)
  writeFileSync(join(folder, 'conf.d/gatewright.conf'), configure(folder, installation))
  writeFileSync(join(folder, 'nginx.conf'), toMain(folder))
  const args = ['-p', folder, '-e', join(folder, 'log/error.log'), '-c', join(folder, 'nginx.conf')]
  const { ports, asRoot = false } = installation
  const running = await startListening(program, { args, port: ports.https, endBy: 'SIGTERM', asRoot })
  const read = (name: string) => () => {
    const file = join(folder, 'log', name)
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }
  return {
    folder,
    acmeRoot,
    publicUrl: `https://${installation.hostName}:${ports.https}`,
    pid: running.pid,
    readLog: read('gatewright.log'),
    readErrors: () => read('error.log')() + read('gatewright-error.log')(),
    reload: () => reload(running.pid),
    stop: async () => {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
