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
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { newSecret } from 'gatewright/random'
import { real } from '../harness.ts'
import { readDocument, top } from '../markdown.ts'
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
  ['%d', join(folder, 'credentials')],
]
const here = (text: string): string => places.reduce((now, [from, to]) => now.replaceAll(from, to), text)

before(() => {
  for (const name of ['state', 'etc', 'credentials']) mkdirSync(join(folder, name))
  chmodSync(folder, 0o755)
  const settings = readDocument('deploy/systemd/gatewright.env').replaceAll('api.example.org', 'localhost')
  writeFileSync(join(folder, 'etc/.env'), here(settings))
  for (const name of ['etc/secret', 'credentials/secret'])
    writeFileSync(join(folder, name), newSecret(real.random))
  chmodSync(join(folder, 'state'), Number.parseInt(oneOf('StateDirectoryMode'), 8))
  if (isRoot) chownSync(join(folder, 'state'), nobody, nobody)
})
after(() => rmSync(folder, { recursive: true, force: true }))

const analyze = await findProgram('systemd-analyze', ['systemd', 'libsystemd-shared', 'libseccomp2'])

describe('the unit of systemd', { skip: typeof analyze === 'string' && analyze }, () => {
  const check = (changed: string, ...args: readonly string[]) => {
    assert.ok(typeof analyze === 'object')
    const file = join(folder, 'gatewright.service')
    writeFileSync(file, changed.replaceAll('/opt/gatewright/node_modules/.bin/node', process.execPath))
    return run(analyze.path, [...args, file], { env: { ...process.env, ...analyze.env } })
  }
  /** In tenths; what is left is the network, and what the unit says that it can not be without. */
  const mostExposed = '12'

  test('is one that systemd takes, without a word', async () => {
    const { stdout, stderr } = await check(unit, 'verify')
    assert.equal(stdout + stderr, '')
    await assert.rejects(
      check(unit.replace('User=', 'Usr='), 'verify').then(said => assert.equal(said.stderr, '')),
    )
  })

  test('exposes hardly anything of the machine, and any line less is noticed', async () => {
    const judge = (text: string) => check(text, 'security', '--offline=true', `--threshold=${mostExposed}`)
    await judge(unit)
    for (const less of [
      'CapabilityBoundingSet=\n',
      'ProtectSystem=strict\n',
      'NoNewPrivileges=yes\n',
      'User=gatewright\n',
    ])
      await assert.rejects(judge(unit.replace(less, '')), less)
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
  const user = isRoot ? 'runuser -u nobody --' : ''
  const script = here(readDocument('deploy/systemd/gatewright')).replace('runuser -u gatewright --', user)
  const { stdout } = await run('/bin/sh', ['-c', script, 'gatewright', 'config', '--json'])
  const settings = JSON.parse(stdout)
  assert.match(JSON.stringify(settings), /sqlite:[^"]*state\/gatewright\.db/)
})
