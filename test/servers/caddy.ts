import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FoundProgram, findProgram } from './debian-program.ts'
import type { Pebble, ProofPorts } from './pebble.ts'
import { startListening } from './program.ts'

const shipped = join(import.meta.dirname, '../../deploy/caddy/Caddyfile')

/** A text says why there is none. */
export const findCaddy = (): Promise<FoundProgram | string> => findProgram('caddy', ['caddy'])

type Installation = {
  readonly hostName: string
  /** `127.0.0.1:3000` */
  readonly upstream: string
  readonly ports: ProofPorts
  readonly pebble: Pebble
}

const configure = (folder: string, { hostName, upstream, ports, pebble }: Installation): string => {
  const changes: readonly (readonly [from: string, to: string])[] = [
    ['redir @page https://api.example.org', `redir @page https://api.example.org:${ports.tls}`],
    ['"https://api.example.org/docs', `"https://api.example.org:${ports.tls}/docs`],
    ['api.example.org', hostName],
    ['127.0.0.1:3000', upstream],
    [
      '\n{\n\tservers {',
      `
{
	admin off
	default_bind 127.0.0.1
	http_port ${ports.http}
	https_port ${ports.tls}
	acme_ca ${pebble.directory}
	acme_ca_root ${pebble.caFile}
	skip_install_trust
	storage file_system ${join(folder, 'data')}
	servers {`,
    ],
  ]
  return changes.reduce(
    (text, [from, to]) => {
      assert.ok(text.includes(from), `deploy/caddy/Caddyfile has no ${from}`)
      return text.replaceAll(from, () => to)
    },
    readFileSync(shipped, 'utf8'),
  )
}

/** Caddy with the file of `deploy/caddy`, in which only what an installation changes is changed. */
export const startShippedCaddy = async (
  program: FoundProgram,
  installation: Installation,
): Promise<{ readonly stop: () => Promise<void> }> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-caddy-'))
  chmodSync(folder, 0o777)
  const file = join(folder, 'Caddyfile')
  writeFileSync(file, configure(folder, installation), { mode: 0o644 })
  const env = { ...program.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
  const args = ['run', '--config', file, '--adapter', 'caddyfile']
  const { stop } = await startListening(
    { ...program, env },
    { args, port: installation.ports.tls, endBy: 'SIGTERM' },
  )
  return {
    stop: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
