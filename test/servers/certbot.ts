import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type FoundProgram, findProgram, unpackProgram } from './debian-program.ts'
import { toMissing } from './missing.ts'
import { findNginx } from './nginx.ts'
import type { Pebble } from './pebble.ts'

/** All that Python does not bring along. */
const packages = [
  'certbot',
  'python3-certbot',
  'python3-certbot-nginx',
  'python3-acme',
  ...[
    'cffi-backend',
    'certifi',
    'chardet',
    'charset-normalizer',
    'configargparse',
    'configobj',
    'cryptography',
  ],
  ...['distro', 'idna', 'josepy', 'openssl', 'parsedatetime', 'pkg-resources', 'pyparsing', 'requests'],
  ...['rfc3339', 'six', 'tz', 'urllib3'],
].map(name => (name.includes('certbot') || name.startsWith('python3-') ? name : `python3-${name}`))

/** Debian's own: another on PATH has not these packages. */
const python = '/usr/bin/python3'

/** One with its plugin for nginx, which a machine that has certbot may be without. A text says why there is none. */
export const findCertbot = async (): Promise<FoundProgram | string> => {
  const find = existsSync('/usr/lib/python3/dist-packages/certbot_nginx') ? findProgram : unpackProgram
  const found = await find('certbot', packages)
  if (typeof found === 'string' || found.path === '/usr/bin/certbot') return found
  if (!existsSync(python)) return toMissing(`certbot needs ${python}: apt-get install certbot`)
  const modules = join(found.path, '../../lib/python3/dist-packages')
  return { ...found, env: { ...found.env, PYTHONPATH: modules } }
}

export type Certbot = {
  /** Its folders: `etc` has `live` and `archive`. */
  readonly folder: string
  readonly live: string
  /** What it says; fails where it does. */
  readonly run: (...args: readonly string[]) => Promise<string>
}

type Installation = {
  readonly folder: string
  readonly name: string
  readonly pebble: Pebble
  /** What the hooks find in their environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** As who nginx runs in the tests, so that it may read what certbot writes for its owner alone. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

export const setUpCertbot = (
  program: FoundProgram,
  { folder, name, pebble, env = {} }: Installation,
): Certbot => {
  const folders = ['config', 'work', 'logs'].flatMap(kind => [`--${kind}-dir`, join(folder, kind)])
  const asked = [...folders, '--server', pebble.directory, '--non-interactive', '--agree-tos']
  const run = async (...args: readonly string[]): Promise<string> => {
    const child = spawn(python, [program.path, ...args, ...asked, '--register-unsafely-without-email'], {
      cwd: folder,
      env: { PATH: '/usr/sbin:/usr/bin:/bin', ...program.env, REQUESTS_CA_BUNDLE: pebble.caFile, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      ...nobody,
    })
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    if (child.exitCode !== 0)
      throw new Error(`certbot ${args.join(' ')} ended with ${child.exitCode}: ${out}${err}`)
    return out + err
  }
  return { folder, live: join(folder, 'config/live', name), run }
}

/** The arguments by which its plugin finds an nginx of ours. */
export const nginxPlugin = async (root: string): Promise<readonly string[]> => {
  const nginx = await findNginx()
  return ['--nginx-server-root', root, ...(typeof nginx === 'string' ? [] : ['--nginx-ctl', nginx.path])]
}
