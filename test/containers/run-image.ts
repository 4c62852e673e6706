import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { until } from '../process/until.ts'
import type { Built } from './buildah.ts'

const run = promisify(execFile)

/**
 * What a container engine does, in a few lines: an own tree of mounts with a read-only root, own process ids, no
 * right but those of the image's user, the image's environment and command. The network is the machine's.
 */
const enter = `set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount --bind "$DATA" "$ROOT/data"
[ -z "$READ_ONLY" ] || mount -o remount,bind,ro "$ROOT/data"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o size=64k,mode=755 tmpfs "$ROOT/dev"
for name in null zero urandom random; do : > "$ROOT/dev/$name"; mount --bind "/dev/$name" "$ROOT/dev/$name"; done
[ -e "$ROOT/etc/hosts" ] || : > "$ROOT/etc/hosts"
mount --bind /etc/hosts "$ROOT/etc/hosts"
mkdir -p "$ROOT/run/secrets"
mount -t tmpfs -o size=64k,mode=755 tmpfs "$ROOT/run/secrets"
for name in $SECRETS; do cat "$SECRETS_FOLDER/$name" > "$ROOT/run/secrets/$name"; done
mount -o remount,bind,ro "$ROOT/run/secrets"
mount -o remount,bind,ro "$ROOT"
exec chroot "$ROOT" "$@"`

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** In place of the image's own. */
  readonly command?: readonly string[]
  /** What is mounted at /data. */
  readonly data: string
  readonly readOnly?: true
  /** These files of a folder, at /run/secrets. */
  readonly secrets?: { readonly folder: string; readonly names: readonly string[] }
}

export type Container = {
  readonly output: () => string
  readonly errors: () => string
  /** The process id that the machine has for the image's first process. */
  readonly pid: () => number
  readonly exited: Promise<number | null>
  readonly exec: (
    ...words: readonly string[]
  ) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>
  readonly signal: (name: NodeJS.Signals) => void
}

const asUser = (built: Built, env: Readonly<Record<string, string>>): readonly string[] => {
  const [user = '', group = ''] = built.config.User.split(':')
  const rights = ['--clear-groups', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']
  return [
    ...['/usr/bin/setpriv', `--reuid=${user}`, `--regid=${group}`, ...rights],
    ...[
      '/usr/bin/env',
      '--chdir=/',
      '-i',
      ...built.config.Env,
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ],
  ]
}

const childrenOf = (pid: number): readonly number[] => {
  const file = `/proc/${pid}/task/${pid}/children`
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : []
}

const collect = (stream: ChildProcess['stdout']): (() => string) => {
  let text = ''
  stream?.setEncoding('utf8').on('data', part => (text += part))
  return () => text
}

/** Starts the image as `docker run` would. */
export const runImage = (
  built: Built,
  { env = {}, command, data, readOnly, secrets }: RunOptions,
): Container => {
  const { Entrypoint, Cmd } = built.config
  const words = [...Entrypoint, ...(command ?? Cmd ?? [])]
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--pid',
      '--ipc',
      '--uts',
      '--fork',
      '--kill-child',
      'sh',
      '-c',
      enter,
      'sh',
      ...asUser(built, env),
      ...words,
    ],
    {
      env: {
        PATH: process.env.PATH,
        ROOT: built.root,
        DATA: data,
        READ_ONLY: readOnly === true ? 'yes' : '',
        SECRETS: secrets?.names.join(' ') ?? '',
        SECRETS_FOLDER: secrets?.folder ?? '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const pid = (): number => childrenOf(child.pid ?? 0)[0] ?? 0
  return {
    output: collect(child.stdout),
    errors: collect(child.stderr),
    pid,
    exited: once(child, 'exit').then(([code]) => code),
    exec: (...inside) =>
      run('nsenter', [
        ...[`--target=${pid()}`, '--mount', '--pid', '--ipc', '--uts', '--root'],
        ...[...asUser(built, env), ...inside],
      ]).then(
        ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
        ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
      ),
    signal: name => process.kill(pid(), name),
  }
}

/** Once its health check passes, which is how an engine knows. */
export const untilHealthy = (built: Built, container: Container): Promise<number> =>
  until('the health check passes', async () => {
    const [, ...words] = built.config.Healthcheck.Test
    return (await container.exec(...words)).code === 0
  })
