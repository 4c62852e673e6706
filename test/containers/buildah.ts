import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { top } from '../../tools/top.ts'
import { findProgram } from '../servers/debian-program.ts'

const run = promisify(execFile)

/** What Docker keeps of an image, in its words. */
export type ImageConfig = {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[] | null
  readonly WorkingDir: string
  readonly StopSignal: string
  readonly Volumes: Readonly<Record<string, object>>
  readonly ExposedPorts: Readonly<Record<string, object>>
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

export type Built = {
  readonly config: ImageConfig
  /** The command of each layer, as `docker history` shows it to whoever has the image. */
  readonly history: readonly string[]
  /** Its files, with all layers over each other. */
  readonly root: string
  /** Its layers as folders of their own, as they are pushed: what a later layer removes is in the former one. */
  readonly saveLayers: (folder: string) => Promise<void>
}

export type Target = 'gatewright' | 'blog'

export type Builder = AsyncDisposable & {
  readonly build: (context: string, target: Target, given: Readonly<Record<string, string>>) => Promise<Built>
}

const cache = join(top, 'node_modules/.cache/containers')

/** Debian without anything else: what the official image is made of too, but for documents. */
const makeBase = async (): Promise<string> => {
  const tar = join(cache, 'trixie.tar')
  if (existsSync(tar)) return tar
  mkdirSync(cache, { recursive: true })
  const part = `${tar}.part.tar`
  const mmdebstrap = await findProgram('mmdebstrap', ['mmdebstrap'])
  if (typeof mmdebstrap === 'string') throw new Error(mmdebstrap)
  await run(mmdebstrap.path, ['--variant=minbase', '--include=libatomic1', 'trixie', part])
  await run('mv', [part, tar])
  return tar
}

/** The version of Node.js that runs this, and the npm that started it. */
const npmFolder = async (): Promise<string> => {
  const cli =
    process.env.npm_execpath ?? (await run('sh', ['-c', 'readlink -f "$(command -v npm)"'])).stdout.trim()
  return dirname(dirname(cli))
}

/** Layers lie over each other where the kernel does that for us, and are whole copies else, which takes minutes more. */
const pickDriver = async (buildah: string, folder: string): Promise<readonly string[]> => {
  const of = (driver: string) => [
    ...['--root', join(folder, driver), '--runroot', join(folder, `${driver}-run`)],
    ...['--storage-driver', driver],
  ]
  return run(buildah, [...of('overlay'), 'images']).then(
    () => of('overlay'),
    () => of('vfs'),
  )
}

/** Builds images without a container engine: Debian's buildah in a chroot. Needs root. */
export const openBuilder = async (say: (line: string) => void): Promise<Builder> => {
  const program = await findProgram('buildah', ['buildah'])
  if (typeof program === 'string') throw new Error(program)
  const folder = mkdtempSync('/var/tmp/gatewright-buildah-')
  const storage = await pickDriver(program.path, folder)
  const buildah = async (...words: readonly string[]): Promise<string> =>
    (await run(program.path, [...storage, ...words], { maxBuffer: 64 << 20 })).stdout.trim()

  const makeBases = async (): Promise<void> => {
    const debian = await buildah('from', 'scratch')
    await buildah('add', '--quiet', debian, await makeBase(), '/')
    await buildah('commit', '--quiet', '--rm', debian, 'localhost/debian')
    const node = await buildah('from', '--pull=never', 'localhost/debian')
    await buildah('copy', '--quiet', node, process.execPath, '/usr/local/bin/node')
    await buildah('copy', '--quiet', node, await npmFolder(), '/usr/local/lib/node_modules/npm')
    await buildah(
      'run',
      '--isolation=chroot',
      node,
      'ln',
      '-s',
      '../lib/node_modules/npm/bin/npm-cli.js',
      '/usr/local/bin/npm',
    )
    const authorities = process.env.NODE_EXTRA_CA_CERTS
    if (authorities !== undefined) {
      await buildah('copy', '--quiet', node, authorities, '/etc/more-authorities.pem')
      await buildah('config', '--env=NODE_EXTRA_CA_CERTS=/etc/more-authorities.pem', node)
    }
    await buildah('commit', '--quiet', '--rm', node, 'localhost/node')
  }

  // Where the registry can be reached, the very images that the Dockerfile names.
  const pulls = process.env.IMAGE_BASES === 'pull'
  const bases = pulls
    ? ['--pull=missing']
    : [
        ...['--pull=never', '--build-arg=NODE_IMAGE=localhost/node'],
        '--build-arg=BASE_IMAGE=localhost/debian',
      ]
  const build: Builder['build'] = async (context, target, given) => {
    const image = `localhost/built-${target}`
    // The health check is Docker's own, which the other format leaves out.
    const form = ['--isolation=chroot', '--layers', '--format=docker', `--tag=${image}`]
    const asked = target === 'gatewright' ? [] : [`--target=${target}`]
    const values = Object.entries(given).map(([name, value]) => `--build-arg=${name}=${value}`)
    await buildah('bud', ...form, ...bases, ...values, ...asked, context)
    const { Docker } = JSON.parse(await buildah('inspect', '--type=image', image))
    const root = await buildah('mount', await buildah('from', '--pull=never', image))
    const saveLayers = async (to: string): Promise<void> => {
      await buildah('push', '--quiet', image, `dir:${to}`)
    }
    const history = Docker.history.map(({ created_by }: { created_by: string }) => created_by)
    return { config: Docker.config, history, root, saveLayers }
  }

  say(`buildah builds in ${folder} (${storage.at(-1)})`)
  if (!pulls) await makeBases()
  return {
    build,
    [Symbol.asyncDispose]: async () => {
      await buildah('rm', '--all').catch(() => undefined)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
