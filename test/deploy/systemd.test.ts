import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { newSecret } from 'gatewright/random'
import { real } from '../harness.ts'
import { readBlocks, readDocument, top } from '../markdown.ts'
import { findFreePort } from '../process/free-port.ts'
import { until, within } from '../process/until.ts'
import { findProgram } from '../servers/debian-program.ts'

const run = promisify(execFile)

const unit = readDocument('deploy/systemd/gatewright.service')
const lines = unit.split('\n').filter(line => /^[A-Za-z]+=/.test(line))
const valuesOf = (name: string): readonly string[] =>
  lines.filter(line => line.startsWith(`${name}=`)).map(line => line.slice(name.length + 1))
const oneOf = (name: string): string => {
  const [value, ...more] = valuesOf(name)
  assert.deepEqual(more, [], name)
  return value ?? assert.fail(`the unit has no ${name}`)
}

const isRoot = process.getuid?.() === 0
/** A user who may write nowhere but in folders of its own, as the service. */
const nobody = 65_534

/** The folders of an installation, below one of ours. */
const folder = mkdtempSync(join(tmpdir(), 'gatewright-systemd-'))
const places: readonly (readonly [string, string])[] = [
  ['/opt/gatewright/node_modules/.bin/node', process.execPath],
  ['/opt/gatewright', top],
  ['/var/lib/gatewright', join(folder, 'state')],
  ['/etc/gatewright', join(folder, 'etc')],
  ['/usr/local/bin', join(folder, 'bin')],
  ['/var/backups', join(folder, 'backups')],
  ['%d', join(folder, 'credentials')],
]
const here = (text: string): string => places.reduce((now, [from, to]) => now.replaceAll(from, to), text)

/** deploy/systemd/gatewright, here. */
const ownCommand = (): string => {
  const shipped = readDocument('deploy/systemd/gatewright')
  const asUser = '/usr/sbin/runuser -u gatewright --'
  assert.ok(shipped.includes(asUser))
  return here(shipped).replace(asUser, isRoot ? '/usr/sbin/runuser -u nobody --' : '')
}

before(() => {
  for (const name of ['state', 'etc', 'credentials', 'bin', 'backups']) mkdirSync(join(folder, name))
  chmodSync(folder, 0o755)
  const settings = readDocument('deploy/systemd/gatewright.env').replaceAll('api.example.org', 'localhost')
  writeFileSync(join(folder, 'etc/.env'), here(settings))
  const secret = newSecret(real.random)
  for (const name of ['etc/secret', 'credentials/secret']) writeFileSync(join(folder, name), secret)
  writeFileSync(join(folder, 'bin/gatewright'), ownCommand(), { mode: 0o755 })
  chmodSync(join(folder, 'state'), Number.parseInt(oneOf('StateDirectoryMode'), 8))
  if (isRoot) chownSync(join(folder, 'state'), nobody, nobody)
})
after(() => rmSync(folder, { recursive: true, force: true }))

const analyze = await findProgram('systemd-analyze', ['systemd', 'libsystemd-shared', 'libseccomp2'])

type Finding = { readonly json_field: string; readonly exposure: string | null }

/** What the unit leaves open, and why it can not be without. */
const exposed: Readonly<Record<string, string>> = {
  PrivateNetwork: 'it is a server',
  RestrictAddressFamilies_AF_INET_INET6: 'it is a server',
  IPAddressDeny: 'callers may come from everywhere',
  RestrictAddressFamilies_AF_UNIX: 'a process and its workers speak by them',
  SystemCallFilter_resources: 'setpriority alone: the threads that hash passwords let requests go first',
  MemoryDenyWriteExecute: 'V8 writes the machine code that it runs',
  ProcSubset: 'the id of the running kernel tells whether two processes are on the same machine',
  RootDirectoryOrRootImage: 'Node.js needs the libraries of the system, which it can only read',
  DeviceAllow: 'ProtectClock=yes gives the hardware clock, to be read',
}

/** Lines whose absence the analysis does not see, and why they are there all the same. */
const unnoticed: Readonly<Record<string, string>> = {
  'Group=gatewright':
    'the files that the group may read are those of /etc/gatewright, whatever else the user is in',
  'StateDirectoryMode=0700': 'nobody else looks into its folder; the server below starts with it',
  'AmbientCapabilities=': 'none, which is the default: it stands here for whoever would add one',
  'DevicePolicy=closed': 'PrivateDevices=yes implies it: it stands here for whoever has to take that out',
  'PrivateIPC=yes': 'memory and queues of other services are out of reach: the analysis does not look at it',
  'KeyringMode=private': 'the default of systemd for the whole machine, not for services of a user',
  'SystemCallFilter=setpriority': 'allows, and forbids nothing',
  'SystemCallErrorNumber=EPERM': 'what is forbidden fails: without it the process would be killed',
}

describe('the unit of systemd', { skip: typeof analyze === 'string' && analyze }, () => {
  const write = (name: string, text: string): string => {
    const file = join(folder, name)
    writeFileSync(file, text.replaceAll('/opt/gatewright/node_modules/.bin/node', process.execPath))
    return file
  }
  const call = (...args: readonly string[]) => {
    assert.ok(typeof analyze === 'object')
    return run(analyze.path, args, { env: { ...process.env, ...analyze.env }, maxBuffer: 16 * 1_024 * 1_024 })
  }

  test('is one that systemd takes, without a word', async () => {
    const verify = (text: string) => call('verify', write('gatewright.service', text))
    const { stdout, stderr } = await verify(unit)
    assert.equal(stdout + stderr, '')
    await assert.rejects(verify(unit.replace('User=', 'Usr=')).then(said => assert.equal(said.stderr, '')))
  })

  /** What the analysis says of each, by the name of what it looks at: how much is exposed, if anything. */
  const judge = async (units: readonly string[]): Promise<readonly ReadonlyMap<string, number>[]> => {
    const files = units.map((text, index) => write(`gatewright-${index}.service`, text))
    const { stdout } = await call('security', '--offline=true', '--json=short', ...files)
    const findings: readonly (readonly Finding[])[] = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    return findings.map(
      found => new Map(found.map(({ json_field, exposure }) => [json_field, Number(exposure ?? 0)])),
    )
  }

  test('exposes nothing of the machine but what stands here, and each line less is noticed by the analysis, or stands here as well', async () => {
    const from = lines.indexOf('NoNewPrivileges=yes')
    const ofTheUser = lines.filter(line => /^(User|Group|UMask|StateDirectoryMode)=/.test(line))
    const hardening = [...ofTheUser, ...lines.slice(from, lines.indexOf('WantedBy=multi-user.target'))]
    const [shipped, ...less] = await judge([
      unit,
      ...hardening.map(line => unit.replace(`\n${line}\n`, '\n')),
    ])
    assert.ok(shipped && hardening.length > 30 && less.length === hardening.length)
    const open = [...shipped].filter(([, exposure]) => exposure > 0).map(([name]) => name)
    assert.deepEqual(open.sort(), Object.keys(exposed).sort())
    const isNoticed = (judged: ReadonlyMap<string, number>): boolean =>
      [...judged].some(([name, exposure]) => exposure > 0 && shipped.get(name) === 0)
    const missed = hardening.filter((_, index) => !isNoticed(less[index] ?? shipped))
    assert.deepEqual(missed.sort(), Object.keys(unnoticed).sort())
  })
})

test('the unit says nothing of memory that V8 could not live with', () => {
  assert.deepEqual(valuesOf('MemoryDenyWriteExecute'), [])
  assert.deepEqual(valuesOf('ProcSubset'), [])
})

test('the unit’s server starts with what it is given, writes into its own folder alone, and ends in time', async () => {
  const port = await findFreePort()
  const env = Object.fromEntries(valuesOf('Environment').map(pair => here(pair).split(/=(.*)/s).slice(0, 2)))
  const [path = '', ...args] = here(oneOf('ExecStart')).split(' ')
  const limits = `umask ${oneOf('UMask')}; ulimit -n ${oneOf('LimitNOFILE')} 2>/dev/null`
  const child = spawn('/bin/sh', ['-c', `${limits}; exec "$0" "$@"`, path, ...args], {
    cwd: here(oneOf('WorkingDirectory')),
    env: { ...env, PORT: String(port), PUBLIC_URL: `http://localhost:${port}` },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: nobody, gid: nobody }),
  })
  let said = ''
  child.stderr.on('data', chunk => {
    said += chunk
  })
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until('the server answers', async () => {
    assert.equal(child.exitCode, null, said)
    return isUp()
  })
  const [signal] = /-(USR2|HUP) /.exec(oneOf('ExecReload'))?.slice(1) ?? []
  child.kill(`SIG${signal}` as NodeJS.Signals)
  assert.ok(await isUp())
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await within(Number.parseInt(oneOf('TimeoutStopSec'), 10) * 1_000, 'the server ends', ended)
  assert.equal(child.exitCode, 0, said)
  const written = readdirSync(join(folder, 'state'))
  assert.ok(written.includes('gatewright.db'))
  for (const name of written) assert.equal(statSync(join(folder, 'state', name)).mode & 0o077, 0, name)
  assert.deepEqual(readdirSync(join(folder, 'etc')).sort(), ['.env', 'secret'])
})

test('commands run with the settings and the secret of the service', async () => {
  const { stdout } = await run(join(folder, 'bin/gatewright'), ['config', '--json'])
  const settings = JSON.parse(stdout)
  assert.match(JSON.stringify(settings), /sqlite:[^"]*state\/gatewright\.db/)
})

describe('every night', () => {
  const page = readDocument('docs/backup.md')
  const installation = readDocument('docs/systemd.md')
  const blocks = readBlocks(page.replaceAll(/^ {3}/gm, '')).map(({ text }) => text)
  const [service = '', timer = ''] = blocks.filter(text => text.startsWith('[Unit]'))
  const [cron = ''] = blocks.filter(text => text.startsWith('0 3 * * * '))
  const lineOf = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(service)?.[1] ?? ''

  test('what is run is where an installation with systemd has it, by the command that becomes its user', () => {
    assert.ok(installation.includes('deploy/systemd/gatewright /usr/local/bin/'))
    for (const name of ['User', 'WorkingDirectory', 'EnvironmentFile']) assert.equal(lineOf(name), '', name)
    for (const [path] of page.matchAll(/\/etc\/gatewright\/[\w.]+/g))
      assert.ok(installation.includes(path), path)
    for (const line of blocks.join('\n').matchAll(/^(?:Exec.*=|[\d*].* \* ).*gatewright backup.*/gm))
      assert.match(
        line[0],
        / '?(?:exec )?\/usr\/local\/bin\/gatewright backup/,
        'cron looks in /usr/bin and /bin',
      )
    for (const [named] of blocks.join('\n').matchAll(/--(?:to|from|revocations|revocations-to) .*/g))
      assert.match(named, /^\S+ "?\//, 'the command looks for other names in /etc/gatewright')
  })

  test('cron runs what the unit runs, with nothing but its own PATH, and a backup is there for its user alone', async () => {
    const [, command] = /^\/bin\/sh -c 'exec (.*)'$/.exec(lineOf('ExecStart')) ?? assert.fail()
    const line = cron.replace(/^0 3 \* \* \* +/, '').trim()
    assert.equal(
      line.replaceAll('\\%', '%'),
      `${lineOf('ExecStartPre')} && ${command?.replaceAll('%%', '%')}`,
    )
    const owner = isRoot ? 'nobody' : userInfo().username
    const script = here(line.replaceAll('\\%', '%')).replace('-o gatewright', `-o ${owner}`)
    await run('/bin/sh', ['-c', script], { env: { PATH: '/usr/bin:/bin' }, cwd: '/' })
    const made = join(folder, 'backups/gatewright')
    const [name = '', ...more] = readdirSync(made)
    assert.match(name, /^[1-7]\.backup$/)
    assert.deepEqual(more, [])
    const modes = [made, join(made, name)].map(path => (statSync(path).mode & 0o777).toString(8))
    assert.deepEqual(modes, ['700', '600'])
  })

  test('systemd takes the unit and its timer, without a word', {
    skip: typeof analyze === 'string' && analyze,
  }, async () => {
    assert.ok(typeof analyze === 'object')
    const files = ['service', 'timer'].map(kind => join(folder, `gatewright-backup.${kind}`))
    for (const [index, text] of [service, timer].entries()) writeFileSync(files[index] ?? '', text)
    const { stdout, stderr } = await run(analyze.path, ['verify', ...files], {
      env: { ...process.env, ...analyze.env },
    })
    assert.equal(stdout + stderr, '')
  })
})
