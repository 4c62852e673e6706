import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { toBuildArguments } from '../../tools/release/image.ts'
import { top } from '../../tools/top.ts'
import { findFreePort } from '../process/free-port.ts'
import { until } from '../process/until.ts'
import { type Builder, type Built, openBuilder } from './buildah.ts'
import { checkCompose } from './check-compose.ts'
import { parseDockerfile, readLabels } from './dockerfile.ts'
import { listedPackages, listFiles, listPackages, rootRules } from './inspect-root.ts'
import { findSecrets, unpackLayers } from './layers.ts'
import { type Container, runImage, untilHealthy } from './run-image.ts'

/*
 * `npm run image:check`: builds both images without a container engine, looks at what is in them, and runs them as an
 * engine would. Takes some minutes, and root on a Debian: no part of `npm test`.
 */
const say = (line: string): void => void process.stderr.write(`… ${line}\n`)

/** Stands in every place that must not get into an image, and is looked for in all of its layers. */
const canary = `canary-${randomBytes(12).toString('hex')}`
const planted = [
  '.env',
  '.env.production',
  '.git/config',
  'apps/blog/.env',
  'data/secret',
  'docs/private.md',
  'id_rsa',
  'packages/gatewright/.npmrc',
  'packages/gatewright/dist/old.js',
  'packages/gatewright/src/server.key',
  'packages/gatewright/src/tls.pem',
  'packages/gatewright/src/own.test.ts',
  'test/containers/key.txt',
]

const folders: string[] = []
const makeFolder = (name: string): string => {
  const folder = mkdtempSync(`/var/tmp/gatewright-${name}-`)
  folders.push(folder)
  return folder
}

/** The files as they are now, with what somebody may have beside them. */
const makeContext = (): string => {
  const context = makeFolder('context')
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: top,
    encoding: 'utf8',
  })
  for (const path of listed.split('\n').filter(Boolean)) cpSync(join(top, path), join(context, path))
  for (const path of planted) {
    mkdirSync(join(context, dirname(path)), { recursive: true })
    writeFileSync(join(context, path), canary)
  }
  return context
}

/** A new volume: an engine gives it the owner that the folder has in the image. */
const makeVolume = (owner = 10001): string => {
  const folder = makeFolder('volume')
  chownSync(folder, owner, owner)
  chmodSync(folder, 0o700)
  return folder
}

/** What the release hands to its build; and what somebody might, which no stage of an image has an ARG for. */
const labelled = toBuildArguments({ version: '1.2.3', revision: 'a'.repeat(40) }, '2026-12-01T10:00:00.000Z')
const given = { ...labelled, NPM_TOKEN: canary }

const makeSecret = (): string => randomBytes(32).toString('base64url')

/** The settings of the README. */
const readmeSettings = (port: number): Readonly<Record<string, string>> => ({
  PORT: String(port),
  PUBLIC_URL: `http://localhost:${port}`,
  REGISTRATION: 'open',
  MAIL: 'off',
  GATEWRIGHT_SECRET: makeSecret(),
})

const linesOf = (text: string): readonly string[] => text.split('\n').filter(Boolean)

let builder: Builder
let builtOf: Readonly<Record<'gatewright' | 'blog', Built>>
const running: Container[] = []

const start = (built: Built, options: Parameters<typeof runImage>[1]): Container => {
  const container = runImage(built, options)
  running.push(container)
  return container
}

before(async () => {
  builder = await openBuilder(say)
  const context = makeContext()
  say('building gatewright')
  const gatewright = await builder.build(context, 'gatewright', given)
  say('building blog')
  builtOf = { gatewright, blog: await builder.build(context, 'blog', given) }
})
after(async () => {
  for (const container of running) if (container.pid() !== 0) container.signal('SIGKILL')
  await Promise.all(running.map(container => container.exited))
  await builder?.[Symbol.asyncDispose]()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

for (const target of ['gatewright', 'blog'] as const)
  describe(`the image ${target}`, () => {
    test('has the settings, the user and the health check that its page says, and no other variable', () => {
      const { config, history } = builtOf[target]
      assert.deepEqual([...config.Env].sort(), [
        'DATABASE_URL=sqlite:/data/gatewright.db',
        'HOST=0.0.0.0',
        'NODE_ENV=production',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'PORT=3000',
        'SQLITE_TMPDIR=/data',
      ])
      const { User, StopSignal, WorkingDir, Volumes, ExposedPorts, Healthcheck } = config
      assert.deepEqual(
        { User, StopSignal, WorkingDir },
        { User: '10001:10001', StopSignal: 'SIGTERM', WorkingDir: '/' },
      )
      assert.deepEqual([Object.keys(Volumes), Object.keys(ExposedPorts)], [['/data'], ['3000/tcp']])
      assert.deepEqual(Healthcheck.Test, ['CMD', 'node', '/app/health.ts'])
      // What a build is given stays out, but for what is meant to be read.
      assert.ok(history.length > 5)
      assert.ok(!JSON.stringify([config, history]).includes(canary))
    })

    test('says of itself what its build was given: version, commit and time', () => {
      const { Labels } = builtOf[target].config
      const said = Object.entries(Labels).filter(([name]) => name.startsWith('org.opencontainers.image.'))
      const expected = readLabels(
        parseDockerfile(readFileSync(join(top, 'Dockerfile'), 'utf8')),
        target,
        given,
      )
      assert.deepEqual(Object.fromEntries(said), expected)
      for (const [name, value] of Object.entries(labelled))
        assert.equal(Labels[`org.opencontainers.image.${name.toLowerCase()}`], value)
    })

    for (const [title, breaks] of Object.entries(rootRules))
      test(`has nowhere ${title}`, () => {
        const found = listFiles(builtOf[target].root).filter(breaks)
        assert.deepEqual(
          found.map(({ path }) => path),
          [],
        )
      })

    test('names in its list every package that is in it, and no other but those of other systems', () => {
      const { root } = builtOf[target]
      const listed = listedPackages(readFileSync(join(root, 'app/sbom.cdx.json'), 'utf8'))
      const installed = listPackages(join(root, 'app/node_modules'))
      assert.ok(installed.size > 100, `${installed.size} packages`)
      assert.deepEqual(
        [...installed].filter(name => !listed.has(name)),
        [],
      )
      const others = [...listed].filter(name => !installed.has(name) && !/^(gatewright|blog)@/.test(name))
      const elsewhere = /android|darwin|freebsd|win32|linux|musl|wasm|^@(emnapi|napi-rs|tybys)\//
      assert.deepEqual(
        others.filter(name => !elsewhere.test(name)),
        [],
      )
    })

    test('is small: the application takes less than 70 MB', () => {
      const sizes = (path: string): number =>
        listFiles(join(builtOf[target].root, path)).reduce(
          (sum, { stats }) => sum + (stats.isFile() ? stats.size : 0),
          0,
        )
      const [whole, application] = [sizes(''), sizes('app')].map(bytes => Math.round(bytes / 1e6))
      say(`${target}: ${whole} MB, of which the application ${application} MB`)
      assert.ok((application ?? 0) < 70, `${application} MB`)
    })

    test('has in no layer what lay beside the sources, nor anything of the form of a secret', async () => {
      const layers = makeFolder('layers')
      await builtOf[target].saveLayers(layers)
      const unpacked = makeFolder('unpacked')
      assert.ok(unpackLayers(layers, unpacked) >= 3, 'layers')
      // One that lies there shows that all others would be found.
      writeFileSync(join(unpacked, 'planted'), `GATEWRIGHT_SECRET=${makeSecret()}\n`)
      assert.deepEqual(await findSecrets(unpacked, canary), ['/planted'])
    })
  })

describe('the image, run as an engine runs it', () => {
  test('with the settings of the README it starts on a read-only root as user 10001, without any right, and serves', async () => {
    const port = await findFreePort()
    const data = makeVolume()
    const container = start(builtOf.gatewright, { env: readmeSettings(port), data })
    await untilHealthy(builtOf.gatewright, container)
    const status = readFileSync(`/proc/${container.pid()}/status`, 'utf8')
    assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m)
    assert.match(status, /^CapEff:\t0+$/m)
    assert.match(status, /^CapBnd:\t0+$/m)
    assert.match(status, /^NoNewPrivs:\t1$/m)
    assert.match(status, /^NSpid:\t\d+\t1$/m)
    assert.match(container.output(), /First administrator: open the link in \/data\/setup-link \(works once/)
    const link = (await container.exec('cat', '/data/setup-link')).stdout
    assert.match(link, new RegExp(`^http://localhost:${port}/console/setup#[A-Za-z0-9_-]{43}\n$`))
    const answers = await Promise.all(
      ['/readyz', '/console', '/docs', '/auth/protected'].map(
        async path => (await fetch(`http://localhost:${port}${path}`)).status,
      ),
    )
    assert.deepEqual(answers, [200, 200, 200, 401])
    assert.notEqual((await container.exec('sh', '-c', 'echo x > /app/x || echo x > /tmp/x')).code, 0)
    const smoke = await container.exec(
      'gatewright',
      'smoke',
      '--url',
      `http://localhost:${port}`,
      '--mount',
      '/auth',
    )
    assert.equal(smoke.code, 0, smoke.stdout + smoke.stderr)
    const doctor = await container.exec('gatewright', 'doctor')
    assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr)
    container.signal('SIGTERM')
    assert.equal(await container.exited, 0)
    assert.deepEqual(
      readdirSync(data).filter(name => /tmp|etilqs/.test(name)),
      [],
    )
  })

  test('the blog serves its routes, and the hints name the command as it is called there', async () => {
    const port = await findFreePort()
    const data = makeVolume()
    const env = readmeSettings(port)
    const first = start(builtOf.blog, { env, data })
    await untilHealthy(builtOf.blog, first)
    assert.equal((await fetch(`http://localhost:${port}/api/v1/posts`)).status, 200)
    first.signal('SIGTERM')
    assert.equal(await first.exited, 0)
    const second = start(builtOf.blog, { env, data })
    await untilHealthy(builtOf.blog, second)
    assert.match(second.output(), /Without it: gatewright user create --username alice/)
    second.signal('SIGTERM')
    await second.exited
  })

  test('with workers, one that is killed is replaced, none is left as a zombie, and all end with the first process', async () => {
    const port = await findFreePort()
    const container = start(builtOf.gatewright, {
      env: { ...readmeSettings(port), WORKERS: '2' },
      data: makeVolume(),
    })
    await untilHealthy(builtOf.gatewright, container)
    const processes = () => {
      const pid = container.pid()
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
      return children.map(child => ({
        child,
        state: /^State:\t(\w)/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1],
      }))
    }
    await until('two workers run', () => processes().length === 2)
    const [victim] = processes()
    process.kill(Number(victim?.child), 'SIGKILL')
    await until('another one is there', () => {
      const now = processes()
      return now.length === 2 && now.every(({ child, state }) => child !== victim?.child && state !== 'Z')
    })
    container.signal('SIGTERM')
    const begun = performance.now()
    assert.equal(await container.exited, 0)
    assert.ok(performance.now() - begun < 10_000)
  })

  test('stopped in its first moments it ends at once, although the first process ends by no signal of itself', async () => {
    const container = start(builtOf.gatewright, {
      env: readmeSettings(await findFreePort()),
      data: makeVolume(),
    })
    await until(
      'Node.js runs',
      () => container.pid() !== 0 && readFileSync(`/proc/${container.pid()}/comm`, 'utf8').startsWith('node'),
    )
    const begun = performance.now()
    const asking = setInterval(() => container.pid() !== 0 && container.signal('SIGTERM'), 50)
    const code = await container.exited
    clearInterval(asking)
    assert.ok([0, 1, 143].includes(code ?? -1), `${code}`)
    assert.ok(performance.now() - begun < 20_000)
    // It did not first start, to be stopped then.
    assert.doesNotMatch(container.output(), /Listening/)
  })
})

type Mistake = {
  readonly title: string
  readonly change: (
    settings: Readonly<Record<string, string>>,
  ) => Readonly<Record<string, string | undefined>>
  readonly volume?: () => string
  readonly readOnly?: true
  readonly says: RegExp
}

const mistakes: readonly Mistake[] = [
  {
    title: 'no secret',
    change: () => ({ GATEWRIGHT_SECRET: undefined }),
    says: /GATEWRIGHT_SECRET.*32 random bytes/,
  },
  {
    title: 'a secret of the wrong length',
    change: () => ({ GATEWRIGHT_SECRET: 'short' }),
    says: /GATEWRIGHT_SECRET.*32 random bytes/,
  },
  {
    title: 'a secret in base64 as openssl writes it',
    change: () => ({ GATEWRIGHT_SECRET: `${makeSecret().slice(0, 40)}+/8=` }),
    says: /GATEWRIGHT_SECRET.*write base64url/,
  },
  { title: 'no PUBLIC_URL', change: () => ({ PUBLIC_URL: undefined }), says: /PUBLIC_URL.*https:\/\// },
  {
    title: 'a PUBLIC_URL of plain HTTP for other machines',
    change: () => ({ PUBLIC_URL: 'http://api.example.org' }),
    says: /PUBLIC_URL.*https:/,
  },
  {
    title: 'no word about registration',
    change: () => ({ REGISTRATION: undefined }),
    says: /REGISTRATION must be set: write REGISTRATION=closed/,
  },
  { title: 'no mail server', change: () => ({ MAIL: undefined }), says: /SMTP_URL.*MAIL=off/ },
  {
    title: 'a folder of root at /data',
    change: () => ({}),
    volume: () => makeVolume(0),
    says: /\/data belongs to user 0, and this runs as user 10001, who may not write it: chown -R 10001 \/data/,
  },
  {
    title: 'a database file of another user',
    change: () => ({}),
    volume: () => {
      const folder = makeVolume()
      writeFileSync(join(folder, 'gatewright.db'), '', { mode: 0o600 })
      return folder
    },
    says: /DATABASE_URL.*\/data\/gatewright\.db belongs to user 0, and this runs as user 10001/,
  },
  {
    title: 'a volume that is mounted read-only',
    change: () => ({}),
    readOnly: true,
    says: /DATABASE_URL.*\/data can only be read: mount it/,
  },
]

describe('what people get wrong is told in one line, and the image ends with 1', () => {
  for (const { title, change, volume = makeVolume, readOnly, says } of mistakes)
    test(title, async () => {
      const settings = readmeSettings(await findFreePort())
      const changed = Object.entries({ ...settings, ...change(settings) }).filter(
        ([, value]) => value !== undefined,
      )
      const env = Object.fromEntries(changed) as Readonly<Record<string, string>>
      const container = start(builtOf.gatewright, { env, data: volume(), ...(readOnly && { readOnly }) })
      assert.equal(await container.exited, 1)
      const lines = linesOf(container.errors())
      say(lines.join('\n  '))
      assert.equal(lines.length, 1, container.errors())
      assert.match(lines[0] ?? '', says)
    })

  test('a port that is taken', async () => {
    const holder = createServer().listen(0, '0.0.0.0')
    await new Promise(resolve => holder.once('listening', resolve))
    const { port } = holder.address() as { readonly port: number }
    const container = start(builtOf.gatewright, { env: readmeSettings(port), data: makeVolume() })
    assert.equal(await container.exited, 1)
    holder.close()
    say(container.errors().trim())
    assert.equal(linesOf(container.errors()).length, 1, container.errors())
    assert.match(container.errors(), new RegExp(`${port}.*PORT|PORT.*${port}`))
  })

  test('another secret than the one that the volume knows', async () => {
    const port = await findFreePort()
    const data = makeVolume()
    const first = start(builtOf.gatewright, { env: readmeSettings(port), data })
    await untilHealthy(builtOf.gatewright, first)
    first.signal('SIGTERM')
    await first.exited
    const second = start(builtOf.gatewright, { env: readmeSettings(port), data })
    assert.equal(await second.exited, 1)
    say(second.errors().trim())
    assert.equal(linesOf(second.errors()).length, 1, second.errors())
    assert.match(second.errors(), /GATEWRIGHT_SECRET/)
  })
})

checkCompose(() => builtOf.gatewright, makeFolder, makeVolume)
