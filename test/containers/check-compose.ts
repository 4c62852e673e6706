import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { top } from '../../tools/top.ts'
import { loadEmbeddedPostgres } from '../postgres/embedded.ts'
import { findFreePort } from '../process/free-port.ts'
import type { FoundProgram } from '../servers/debian-program.ts'
import { findNginx } from '../servers/nginx.ts'
import { findValkey } from '../servers/valkey.ts'
import type { Built } from './buildah.ts'
import { composeFile, readCompose, type Service } from './compose.ts'
import { areCountersHealthy, isEntranceHealthy, startCounters, startEntrance } from './compose-services.ts'
import { type Container, runImage, untilHealthy } from './run-image.ts'

const run = promisify(execFile)

/** What an engine has to say of a place, and a machine without one says otherwise. */
type Places = {
  readonly postgres: number
  readonly valkey: number
  readonly server: number
  readonly https: number
}

/** The secrets as they were prepared, with the places where the services are here. */
const placeSecrets = (from: string, to: string, { postgres, valkey }: Places): void => {
  mkdirSync(to)
  for (const name of readdirSync(from)) {
    const text = readFileSync(join(from, name), 'utf8')
    writeFileSync(
      join(to, name),
      text
        .replace('@postgres:5432', `@127.0.0.1:${postgres}`)
        .replace('@valkey:6379', `@127.0.0.1:${valkey}`),
    )
  }
}

const orThrow = (found: FoundProgram | string): FoundProgram => {
  if (typeof found === 'string') throw new Error(found)
  return found
}

const startDatabase = async (
  service: Service | undefined,
  folder: string,
  port: number,
): Promise<() => Promise<void>> => {
  const read = (name: string): string => readFileSync(join(folder, 'secrets', name), 'utf8').trim()
  const EmbeddedPostgres = await loadEmbeddedPostgres()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'postgres'),
    user: 'postgres',
    password: read('postgres-password'),
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: service?.environment?.POSTGRES_INITDB_ARGS?.split(' ') ?? [],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password: read('postgres-password'),
  })
  await client.connect()
  // As psql does: one after the other, each by itself.
  for (const statement of read('postgres-roles.sql').split(/(?<=;)\n/)) await client.query(statement)
  await client.end()
  return () => server.stop()
}

/** As a mount does: modes and owner are kept, and who reads it does not pass by the folder above. */
const mountCertificates = (local: string, folder: string): string => {
  // Whoever prepares an installation is not root.
  execFileSync('chown', ['-R', '1000:1000', local])
  execFileSync('cp', ['-a', join(local, 'letsencrypt'), folder])
  return join(folder, 'letsencrypt')
}

/** nginx with what the service may do of root's rights, and no more: it may not pass by modes, for example. */
const withRightsOf = async (service: Service | undefined, folder: string): Promise<FoundProgram> => {
  const program = orThrow(await findNginx())
  const bounding = ['-all', ...(service?.cap_add ?? []).map(right => `+${right.toLowerCase()}`)].join()
  const path = join(folder, 'nginx')
  const rights = `--bounding-set=${bounding} --inh-caps=-all --no-new-privs`
  writeFileSync(path, `#!/bin/sh\nexec setpriv ${rights} -- ${program.path} "$@"\n`, { mode: 0o755 })
  return { path, env: program.env }
}

/** Starts what compose.yaml says, in its order, and goes a user's way through it: what docs/containers.md says of that. */
export const checkCompose = (
  built: () => Built,
  makeFolder: (name: string) => string,
  makeVolume: () => string,
): void => {
  void describe('what compose.yaml starts, started by hand from the same file', () => {
    const stops: (() => Promise<unknown>)[] = []
    const env = (service: Service | undefined, places: Places): Readonly<Record<string, string>> => ({
      ...service?.environment,
      PORT: String(places.server),
      ...(service?.environment?.TRUSTED_PROXIES !== undefined && { TRUSTED_PROXIES: '127.0.0.1' }),
    })
    let server: Container
    /** On the volume that they share. */
    let runService: (name: string, command?: readonly string[]) => Container
    let url = ''
    let certificate = ''
    let services: Readonly<Record<string, Service>> = {}
    const get = (name: string): Service => services[name] ?? assert.fail(name)

    before(async () => {
      const folder = makeFolder('compose')
      for (const name of ['compose', 'nginx'])
        cpSync(join(top, 'deploy', name), join(folder, 'deploy', name), { recursive: true })
      execFileSync('sh', [join(folder, 'deploy/compose/prepare.sh'), 'localhost', '--self-signed'])
      const local = join(folder, 'deploy/compose/local')
      const [postgres, valkey, port, http, https] = await Promise.all([1, 2, 3, 4, 5].map(findFreePort))
      const places = { postgres, valkey, server: port, https } as Places
      url = `https://localhost:${places.https}`
      services = readCompose(composeFile(), { PUBLIC_URL: url, REGISTRATION: 'open' }).services
      placeSecrets(join(local, 'secrets'), join(folder, 'secrets'), places)
      chmodSync(folder, 0o755)
      stops.push(await startDatabase(services.postgres, folder, places.postgres))
      const valkeyService = get('valkey')
      const valkeyProgram = orThrow(await findValkey())
      const at = { secrets: join(folder, 'secrets'), port: places.valkey }
      const counters = await startCounters(valkeyService, valkeyProgram, { top: folder, folder, ...at })
      stops.push(counters.stop)
      assert.ok(await areCountersHealthy(valkeyService, valkeyProgram, at))

      const secrets = (service: Service | undefined) => ({
        folder: join(folder, 'secrets'),
        names: (service?.secrets ?? []).map(secret => (typeof secret === 'string' ? secret : secret.source)),
      })
      const migrate = runImage(built(), {
        env: env(services.migrate, places),
        command: services.migrate?.command ?? [],
        data: makeVolume(),
        secrets: secrets(services.migrate),
      })
      assert.equal(await migrate.exited, 0, migrate.errors())

      const data = makeVolume()
      runService = (name, command) =>
        runImage(built(), {
          env: env(services[name], places),
          ...(command && { command }),
          data,
          secrets: secrets(services[name]),
        })
      server = runService('gatewright')
      await untilHealthy(built(), server).catch(error => assert.fail(`${error}\n${server.errors()}`))
      stops.push(async () => {
        server.signal('SIGTERM')
        assert.equal(await server.exited, 0)
      })

      const mounted = mountCertificates(local, folder)
      certificate = join(mounted, 'live/localhost/fullchain.pem')
      const nginx = await startEntrance(get('nginx'), await withRightsOf(services.nginx, folder), {
        asRoot: true,
        top: folder,
        certificates: mounted,
        hostName: 'localhost',
        upstream: `127.0.0.1:${places.server}`,
        ports: { http: http ?? 0, https: places.https },
      })
      stops.push(nginx.stop)
    })
    after(async () => {
      for (const stop of stops.reverse()) await stop()
    })

    test('a user registers, signs in, refreshes and signs out through nginx', async () => {
      const smoke = join(top, 'packages/gatewright/src/cli/main.ts')
      const { stdout } = await run(process.execPath, [smoke, 'smoke', '--url', url, '--mount', '/auth'], {
        env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: certificate },
      })
      assert.doesNotMatch(stdout, /FAILED/)
    })

    test('nginx is healthy by its own check', async () => {
      assert.ok(await isEntranceHealthy(get('nginx'), url))
    })

    test('the server is well by its own doctor: two roles, Valkey, several workers, no setting that it does not know', async () => {
      const { code, stdout, stderr } = await server.exec('gatewright', 'doctor')
      assert.equal(code, 0, stdout + stderr)
      assert.doesNotMatch(stdout, /grants protect nothing/)
      process.stderr.write(`${stdout.replace(/^/gm, '  ')}\n`)
    })

    test('the set-up link is in the volume, and names the address that people use', async () => {
      const { stdout } = await server.exec('cat', '/data/setup-link')
      assert.ok(stdout.startsWith(`${url}/console/setup#`), stdout)
    })

    const operate = async (...command: readonly string[]): Promise<void> => {
      const operator = runService('operator', command)
      assert.equal(await operator.exited, 0, operator.errors())
    }

    test('the operator makes a backup beside the server, and restores it while the server is away', async () => {
      await operate('backup', '--to', '/data/monday.backup')
      server.signal('SIGTERM')
      assert.equal(await server.exited, 0)
      await operate('restore', '--from', '/data/monday.backup', '--erase-what-stands-there')
      await operate(...(services.migrate?.command ?? []))
      server = runService('gatewright')
      await untilHealthy(built(), server)
    })

    test('the server has only the secrets that its service names, and none in a variable', async () => {
      const { stdout } = await server.exec('ls', '/run/secrets')
      assert.deepEqual(stdout.trim().split('\n').sort(), [...(services.gatewright?.secrets ?? [])].sort())
      const variables = readFileSync(`/proc/${server.pid()}/environ`, 'utf8')
      const secret = (await server.exec('cat', '/run/secrets/gatewright-secret')).stdout.trim()
      assert.equal(secret.length, 43)
      assert.ok(!variables.includes(secret))
    })
  })
}
