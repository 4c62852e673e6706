import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseEnv } from 'node:util'
import { Ajv } from 'ajv'
import { parseDocument } from 'yaml'
import { top } from '../../tools/top.ts'
import { findFreePort } from '../process/free-port.ts'
import { type FoundProgram, findInstalled } from '../servers/debian-program.ts'
import { findNginx } from '../servers/nginx.ts'
import { findValkey } from '../servers/valkey.ts'
import { composeFile, readCompose } from './compose.ts'
import { composeRules } from './compose-rules.ts'
import { areCountersHealthy, isEntranceHealthy, startCounters, startEntrance } from './compose-services.ts'

const variables = {
  PUBLIC_URL: 'https://api.example.org',
  LOG_COLLECTOR: 'logs.example.org:6514',
  LOG_COLLECTOR_CA: '/ca.pem',
}
const source = composeFile()

/** Of the repository compose-spec/compose-spec (schema/compose-spec.json, Apache License 2.0). */
const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'compose-spec.json'), 'utf8'))
const { $schema: _draft, ...rules } = schema
const fits = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(rules)

describe('compose.yaml', () => {
  for (const name of ['compose.yaml', 'compose.logs.yaml'])
    test(`${name} has the form that the Compose Specification says, and no name twice`, () => {
      assert.deepEqual(parseDocument(composeFile(name), { merge: true, uniqueKeys: true }).errors, [])
      assert.ok(fits(readCompose(composeFile(name), variables)), JSON.stringify(fits.errors))
    })

  for (const { title, check } of composeRules)
    test(title, () => assert.deepEqual(check(readCompose(source, variables)), []))

  test('without an address it stops with what to write', () => {
    assert.throws(() => readCompose(source, {}), /PUBLIC_URL: write the address that people use/)
  })

  test('each secret that a service takes is a file that is made for it, and none is made for nobody', () => {
    const { services, secrets } = readCompose(source, variables)
    const used = Object.values(services).flatMap(({ secrets = [] }) =>
      secrets.map(secret => (typeof secret === 'string' ? secret : secret.source)),
    )
    assert.deepEqual([...new Set(used)].sort(), Object.keys(secrets).sort())
    const named = Object.values(services).flatMap(({ environment = {} }) =>
      Object.entries(environment).flatMap(([name, value]) => (name.endsWith('_FILE') ? [value] : [])),
    )
    for (const path of named) assert.ok(secrets[path.replace('/run/secrets/', '')], path)
  })

  test('the address of nginx is the one whose forwarding headers the server believes', () => {
    const { nginx, gatewright } = readCompose(source, variables).services
    const front = nginx?.networks as Readonly<Record<string, { readonly ipv4_address?: string }>>
    assert.equal(gatewright?.environment?.TRUSTED_PROXIES, front.front?.ipv4_address)
  })

  test('with compose.logs.yaml what every service prints goes to a collector, over TLS whose certificate is checked', () => {
    const { services } = readCompose(source, variables)
    const shipped = readCompose(composeFile('compose.logs.yaml'), variables).services
    assert.deepEqual(Object.keys(shipped).sort(), Object.keys(services).sort())
    for (const { logging } of Object.values(shipped)) {
      assert.equal(logging?.driver, 'syslog')
      assert.equal(logging?.options['syslog-address'], 'tcp+tls://logs.example.org:6514')
      assert.equal(logging?.options['syslog-tls-ca-cert'], '/ca.pem')
      assert.equal(logging?.options['syslog-tls-skip-verify'], undefined)
    }
    assert.throws(
      () => readCompose(composeFile('compose.logs.yaml'), {}),
      /LOG_COLLECTOR: write host and port/,
    )
  })
})

const mistakes: readonly (readonly [string, string | RegExp, string, string])[] = [
  ['a root folder that can be written', 'read_only: true', 'read_only: false', 'a root folder'],
  ['rights of root', 'cap_drop: [ALL]', 'cap_drop: [NET_RAW]', 'a service has no right of root'],
  ['one more right for nginx', '[CHOWN, ', '[SYS_ADMIN, CHOWN, ', 'a service has no right of root'],
  ['programs that give rights', 'no-new-privileges:true', 'seccomp=unconfined', 'no program gives'],
  ['a privileged service', 'user: "999:999"', 'privileged: true', 'nothing of the machine'],
  ['the network of the machine', 'shm_size: 256m', 'network_mode: host', 'nothing of the machine'],
  [
    'the socket of the engine',
    '"gatewright:/data"',
    '"/var/run/docker.sock:/s:ro"',
    'nothing of the machine',
  ],
  ['a folder of the machine to write', 'valkey.conf:ro', 'valkey.conf', 'a folder of the machine'],
  ['no bound of memory', 'mem_limit: 768m', 'cpuset: "0"', 'memory, processor'],
  ['an image without a digest', /(postgres:18\.6-trixie)@sha256:\w+/, '$1', 'an image that is not built'],
  ['a port of the database', 'shm_size: 256m', 'ports: ["5432:5432"]', 'only nginx can be reached'],
  ['a port that hides who asks over IPv6', '"0.0.0.0:443:443"', '"443:443"', 'a port is open on IPv4 alone'],
  ['a way out for data', /data:\n {4}internal: true/, 'data: {}', 'only nginx can be reached'],
  [
    'nginx beside the database',
    'outside: {}\n      front',
    'data: {}\n      front',
    'only nginx can be reached',
  ],
  ['a secret as a variable', 'WORKERS: auto', 'GATEWRIGHT_SECRET: example', 'no secret is a variable'],
  ['a password in an address', 'WORKERS: auto', 'SMTP_RELAY: smtp://a:b@mail', 'no secret is a variable'],
  [
    'the owner of the tables in the server',
    '[database-url, valkey-url,',
    '[database-admin-url, database-url, valkey-url,',
    'the server can not change',
  ],
  [
    'all secrets where it is started with the others',
    'profiles: [operator]',
    'tty: false',
    'who has all secrets',
  ],
  [
    'no health check',
    /healthcheck:\n {6}test: \["CMD", "pg_isready.*\n.*\n.*\n.*\n.*\n/,
    '',
    'a service is looked after',
  ],
  [
    'a start without waiting',
    'valkey: { condition: service_healthy }',
    'valkey: { condition: service_started }',
    'a service begins when',
  ],
  ['logs without a bound', /logging:\n.*\n.*\n/, '', 'what a service prints'],
]

describe('a compose.yaml is refused that has', () => {
  for (const [title, from, to, rule] of mistakes)
    test(title, () => {
      const changed = source.replace(from, to)
      assert.notEqual(changed, source)
      const compose = readCompose(changed, variables)
      const broken = composeRules.filter(({ check }) => check(compose).length > 0).map(({ title }) => title)
      assert.ok(
        broken.some(title => title.startsWith(rule)),
        `${broken}`,
      )
    })
})

describe('what is prepared for it', () => {
  let folder = ''
  const prepare = (...words: readonly string[]) =>
    spawnSync('sh', [join(folder, 'deploy/compose/prepare.sh'), ...words], { encoding: 'utf8' })
  const local = (path: string): string => join(folder, 'deploy/compose/local', path)

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatewright-compose-'))
    for (const name of ['compose', 'nginx'])
      cpSync(join(top, 'deploy', name), join(folder, 'deploy', name), {
        recursive: true,
        filter: path => !path.endsWith('/local'),
      })
    assert.equal(prepare('api.test').status, 0)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('is every secret of the file, each another, behind a folder that only its owner can open', () => {
    const { secrets } = readCompose(source, variables)
    assert.deepEqual(
      readdirSync(local('secrets')).sort(),
      Object.values(secrets)
        .map(({ file }) => file.split('/').at(-1))
        .sort(),
    )
    assert.equal(statSync(local('secrets')).mode & 0o777, 0o700)
    const random = readdirSync(local('secrets')).flatMap(name =>
      [...readFileSync(local(`secrets/${name}`), 'utf8').matchAll(/[A-Za-z0-9_-]{43}/g)].map(
        ([text]) => text,
      ),
    )
    // The secret, the superuser, two roles that stand in two files each, and Valkey in two.
    assert.deepEqual([random.length, new Set(random).size], [8, 5])
  })

  test('keeps its secrets when it is made again', () => {
    const former = readFileSync(local('secrets/gatewright-secret'), 'utf8')
    assert.equal(prepare('other.test').status, 0)
    assert.equal(readFileSync(local('secrets/gatewright-secret'), 'utf8'), former)
    assert.equal(prepare('api.test').status, 0)
  })

  test('is the shipped configuration of nginx with the name, the place of the server and its logs changed', () => {
    const made = readFileSync(local('nginx/gatewright.conf'), 'utf8')
    const { gatewright } = readCompose(source, variables).services
    const front = gatewright?.networks as Readonly<Record<string, { readonly ipv4_address?: string }>>
    assert.ok(made.includes(`server ${front.front?.ipv4_address}:3000 `))
    assert.doesNotMatch(made, /example\.org|127\.0\.0\.1:3000|\/var\/log/)
    const shipped = readFileSync(join(top, 'deploy/nginx/gatewright.conf'), 'utf8')
    const kept = (text: string) =>
      text.split('\n').filter(line => !/api\.|server 1|_log |listen \[::\]/.test(line))
    assert.deepEqual(kept(made), kept(shipped))
  })

  const env = () => ({
    ...parseEnv(readFileSync(join(folder, '.env'), 'utf8')),
  })

  test('is the .env that every command of Compose reads, without a secret, and lines of others stay in it', () => {
    assert.deepEqual(env(), { PUBLIC_URL: 'https://api.test' })
    assert.equal(readCompose(source, env()).services.nginx?.environment?.PUBLIC_URL, 'https://api.test')
    writeFileSync(join(folder, '.env'), 'REGISTRATION=open\n', { flag: 'a' })
    assert.equal(prepare('other.test', '--self-signed').status, 0)
    const CERTIFICATES = './deploy/compose/local/letsencrypt'
    assert.deepEqual(env(), { PUBLIC_URL: 'https://other.test', CERTIFICATES, REGISTRATION: 'open' })
    assert.ok(
      readCompose(source, env()).services.nginx?.volumes?.includes(`${CERTIFICATES}:/etc/letsencrypt:ro`),
    )
    assert.equal(prepare('api.test').status, 0)
    assert.deepEqual(env(), { PUBLIC_URL: 'https://api.test', REGISTRATION: 'open' })
  })

  test('is a certificate to try it that root without DAC_OVERRIDE can read, and on the machine its owner alone', () => {
    assert.equal(prepare('try.test', '--self-signed').status, 0)
    const mode = (path: string): string => (statSync(local(path)).mode & 0o777).toString(8)
    const live = 'letsencrypt/live/try.test'
    assert.deepEqual(['letsencrypt', 'letsencrypt/live', live].map(mode), ['755', '755', '755'])
    assert.deepEqual([`${live}/privkey.pem`, `${live}/fullchain.pem`].map(mode), ['644', '644'])
    assert.deepEqual(['', 'nginx', 'acme', 'nginx/gatewright.conf'].map(mode), ['700', '755', '755', '644'])
    assert.equal(prepare('api.test').status, 0)
  })

  test('leaves a .env that was made for something else alone', () => {
    const former = readFileSync(join(folder, '.env'), 'utf8')
    writeFileSync(join(folder, '.env'), 'GATEWRIGHT_SECRET=example\n')
    const { status, stderr } = prepare('api.test')
    assert.deepEqual([status, stderr.split('\n').length], [1, 2])
    assert.match(stderr, /the \.env beside compose\.yaml was made for something else/)
    assert.equal(readFileSync(join(folder, '.env'), 'utf8'), 'GATEWRIGHT_SECRET=example\n')
    writeFileSync(join(folder, '.env'), former)
  })

  for (const name of ['', 'Api.Example.org', 'https://api.example.org', 'a b', "x';id;'"])
    test(`takes no ${JSON.stringify(name)} for a name, and says what to write`, () => {
      const { status, stderr } = prepare(name)
      assert.deepEqual([status, stderr.split('\n').length], [2, 2])
      assert.match(stderr, /write the name of your API in lower case/)
    })

  test('is never part of the repository', () => {
    const made = ['deploy/compose/local/secrets/x', '.env']
    const ignored = execFileSync('git', ['check-ignore', '--no-index', ...made], {
      cwd: top,
      encoding: 'utf8',
    })
    assert.deepEqual(ignored.trim().split('\n'), made)
  })
})

describe('what is said of it', () => {
  const read = (path: string): string => readFileSync(join(top, path), 'utf8')

  test('sets no variable for one command alone, which the next command would not have', () => {
    for (const path of [
      'docs/containers.md',
      'compose.yaml',
      'compose.logs.yaml',
      'deploy/compose/prepare.sh',
    ])
      assert.doesNotMatch(read(path), /[A-Z]=.*docker compose|docker compose --file compose/, path)
  })

  test('of sending logs is all that compose.logs.yaml asks for, for every command', () => {
    const lines = composeFile('compose.logs.yaml').match(/(?<=^# {3})[A-Z_]+=.*/gm) ?? []
    const { COMPOSE_FILE, ...rest } = parseEnv(lines.join('\n'))
    assert.equal(COMPOSE_FILE, 'compose.yaml:compose.logs.yaml')
    assert.ok(readCompose(composeFile('compose.logs.yaml'), rest))
  })

  test('of its certificate: proofs lie where its nginx looks for them, and a renewed one is taken by its nginx', () => {
    const page = read('docs/containers.md')
    const [, folder, hook = ''] =
      /--webroot-path \/opt\/gatewright\/(\S+) .*?--deploy-hook '([^']*)'/s.exec(page) ?? assert.fail()
    const { nginx } = readCompose(source, variables).services
    assert.ok(nginx?.volumes?.includes(`./${folder}:/var/www/gatewright-acme:ro`))
    assert.match(read('deploy/nginx/gatewright.conf'), /root \/var\/www\/gatewright-acme;/)
    assert.equal(hook, 'docker compose --file /opt/gatewright/compose.yaml exec -T nginx nginx -s reload')
    assert.ok(
      page.includes('](#the-certificate-with-compose)') &&
        page.includes('\n### The certificate with Compose\n'),
    )
  })
})

const valkeyProgram = await findValkey()
const nginxProgram = findInstalled('curl', 'curl') ?? (await findNginx())

describe('a service of compose.yaml, with the words and files that are said there', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatewright-compose-run-'))
    for (const name of ['compose', 'nginx'])
      cpSync(join(top, 'deploy', name), join(folder, 'deploy', name), {
        recursive: true,
        filter: path => !path.endsWith('/local'),
      })
    const words = [join(folder, 'deploy/compose/prepare.sh'), 'localhost', '--self-signed']
    assert.equal(spawnSync('sh', words).status, 0)
    // Programs here are nobody, where root runs the tests.
    execFileSync('chmod', ['-R', 'a+rX', folder])
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const serviceAt = (name: string, publicUrl: string) => {
    return readCompose(source, { PUBLIC_URL: publicUrl }).services[name] ?? assert.fail(name)
  }

  test('Valkey takes its file, asks for the password, and is healthy by its own check', {
    skip: typeof valkeyProgram === 'string' && valkeyProgram,
  }, async t => {
    const program = valkeyProgram as FoundProgram
    const service = serviceAt('valkey', 'https://localhost')
    const [secrets, port] = [join(folder, 'deploy/compose/local/secrets'), await findFreePort()]
    assert.equal(await areCountersHealthy(service, program, { secrets, port }), false)
    const { stop } = await startCounters(service, program, { top: folder, folder, secrets, port })
    t.after(stop)
    const others = join(folder, 'others')
    mkdirSync(others)
    writeFileSync(join(others, 'valkey-auth'), 'requirepass another\n')
    const are = await Promise.all(
      [secrets, others].map(each => areCountersHealthy(service, program, { secrets: each, port })),
    )
    assert.deepEqual(are, [true, false])
  })

  test('nginx takes the file that was prepared for it, and is healthy by its own check while the server behind it is', {
    skip: typeof nginxProgram === 'string' && nginxProgram,
  }, async t => {
    let status = 200
    const server = createServer((_request, response) => void response.writeHead(status).end())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close().closeAllConnections())
    const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const ports = { http: await findFreePort(), https: await findFreePort() }
    const publicUrl = `https://localhost:${ports.https}`
    const service = serviceAt('nginx', publicUrl)
    const certificates = join(folder, 'deploy/compose/local/letsencrypt')
    const installation = { top: folder, certificates, hostName: 'localhost', upstream, ports }
    const { stop } = await startEntrance(service, nginxProgram as FoundProgram, installation)
    t.after(stop)
    assert.equal(await isEntranceHealthy(service, publicUrl), true)
    status = 503
    assert.equal(await isEntranceHealthy(service, publicUrl), false)
  })

  test('PostgreSQL is asked for the database and the role that are made for the server', () => {
    const { healthcheck } = serviceAt('postgres', 'https://localhost')
    const address = new URL(readFileSync(join(folder, 'deploy/compose/local/secrets/database-url'), 'utf8'))
    assert.ok(healthcheck?.test.includes(`--username=${address.username}`))
    assert.ok(healthcheck?.test.includes(`--dbname=${address.pathname.slice(1)}`))
  })
})
