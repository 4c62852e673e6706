import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { administrator } from '../../tools/demo/people.ts'
import { findFreePort } from './free-port.ts'
import { type Folder, newFolder, password, runToEnd, type Server, startServer } from './spawned-server.ts'
import { until } from './until.ts'

const newSecret = (): string => randomBytes(32).toString('base64url')

const linkIn = (text: string): string | undefined => /\/console\/setup#([\w-]{43})/.exec(text)?.[1]
const countLinks = (text: string): number =>
  new Set([...text.matchAll(/\/console\/setup#([\w-]{43})/g)].map(([, token]) => token)).size

/** Every start ends its announcement with what it has to say of the set-up link, or with its health. */
const says = (server: Server, what: RegExp): Promise<number> =>
  until(`the start says ${what}`, () => what.test(server.stdout()))

const setUp = ({ call }: Server, token: string | undefined, username = 'first') =>
  call('POST', 'setup', { body: { token, username, password } })

/** One line each, of ours, with nothing behind. */
const refusedLines = async (folder: Folder, env: Record<string, string>): Promise<readonly string[]> => {
  const { code, stdout, stderr } = await runToEnd(folder, { env })
  assert.equal(code, 1, stdout)
  assert.equal(stdout, '')
  const lines = stderr.trimEnd().split('\n')
  for (const line of lines) assert.match(line, /^gatewright: \S/)
  return lines.map(line => line.replace('gatewright: ', ''))
}

describe('the first administrator', { concurrency: true }, () => {
  test('is made by a link that only the first start prints, and only once', async t => {
    const folder = newFolder(t)
    const first = await startServer(folder)
    await says(first, /First administrator:/)
    assert.equal(countLinks(first.stdout()), 1)
    const token = linkIn(first.stdout())
    assert.match(first.stdout(), new RegExp(`API: ${first.url}/api/v1`))
    await first.stop()

    const second = await startServer(folder)
    await says(second, /a set-up link is open.*gatewright -- user create/)
    assert.equal(countLinks(second.stdout()), 0)
    assert.equal((await setUp(second, token)).status, 201)
    const again = await setUp(second, token, 'second')
    assert.deepEqual([again.status, again.field('code')], [400, 'invalid_link'])
    await second.stop()

    const third = await startServer(folder)
    await says(third, /Health/)
    await third.stop()
    assert.doesNotMatch(third.stdout(), /administrator|set-up/)
  })

  test('gets the link in production from a file that only its owner can read, and the log names the file', async t => {
    const folder = newFolder(t)
    const env = {
      NODE_ENV: 'production',
      REGISTRATION: 'closed',
      MAIL: 'off',
      GATEWRIGHT_SECRET: newSecret(),
      PUBLIC_URL: 'https://api.example.org',
    }
    const server = await startServer(folder, { env: { ...env, PORT: String(await findFreePort()) } })
    await says(server, /First administrator: open the link in /)
    const [, file = ''] = /open the link in (\S+)/.exec(server.stdout()) ?? []
    const path = join(folder.path, file)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const link = readFileSync(path, 'utf8')
    assert.match(link, /^https:\/\/api\.example\.org\/console\/setup#[\w-]{43}\n$/)
    assert.equal(countLinks(server.stdout() + server.stderr()), 0)
    assert.match(server.stdout(), /Production's rules hold: NODE_ENV is production/)
  })

  test('is told how to get a link where none can be written, as with PostgreSQL in a folder of somebody else, and all others are served', async t => {
    const folder = newFolder(t)
    mkdirSync(join(folder.path, 'data/setup-link'), { recursive: true })
    const server = await startServer(folder, {
      env: {
        NODE_ENV: 'production',
        REGISTRATION: 'closed',
        MAIL: 'off',
        GATEWRIGHT_SECRET: newSecret(),
        PUBLIC_URL: 'http://localhost:1',
      },
    })
    await says(
      server,
      /the link can not be written to data\/setup-link \(\w+\)\. For another one: .* setup-link/,
    )
    assert.equal((await server.call('GET', '/healthz')).status, 200)
    assert.equal(countLinks(server.stdout() + server.stderr()), 0)
  })

  test('gets the link in production even where an old file of that name could be read by all', async t => {
    const folder = newFolder(t)
    const path = join(folder.path, 'setup-link')
    writeFileSync(path, 'old\n', { mode: 0o644 })
    const server = await startServer(folder, {
      env: {
        NODE_ENV: 'production',
        DATABASE_URL: 'sqlite:./gatewright.db',
        REGISTRATION: 'closed',
        MAIL: 'off',
        GATEWRIGHT_SECRET: newSecret(),
        PUBLIC_URL: 'http://localhost:1',
      },
    })
    await says(server, /First administrator: open the link in /)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(countLinks(readFileSync(path, 'utf8')), 1)
  })
})

describe('the start is refused', { concurrency: true }, () => {
  test('with one line for each of several wrong settings', async t => {
    const lines = await refusedLines(newFolder(t), {
      PORT: 'eighty',
      TOKEN_SCHEME: 'two words',
      ACCESS_TOKEN_TTL: '10',
      GATEWRIGHT_SECRETS: 'x',
      REGISTRATON: 'closed',
    })
    assert.deepEqual(lines.map(line => line.split(' ')[0]).sort(), [
      'ACCESS_TOKEN_TTL',
      'GATEWRIGHT_SECRETS',
      'PORT',
      'REGISTRATON',
      'TOKEN_SCHEME',
    ])
    for (const line of lines) assert.match(line, / write /)
  })

  test('with a name that begins like ours and is not a setting', async t => {
    const lines = await refusedLines(newFolder(t), { GATEWRIGHT_FEATURE_FLAG: '1' })
    assert.deepEqual(lines, [
      'GATEWRIGHT_FEATURE_FLAG in the environment is not a setting: remove it; docs/settings.md lists every setting',
    ])
  })

  test('with an unknown name in .env, and its value stays unsaid', async t => {
    const folder = newFolder(t)
    writeFileSync(join(folder.path, '.env'), 'JWT_SECRET=canary-value\n')
    const lines = await refusedLines(folder, {})
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^JWT_SECRET in \.env is not a setting/)
    assert.doesNotMatch(lines.join(), /canary-value/)
  })

  for (const host of ['127.0.0.1', '::1'])
    test(`when another program listens on the port at ${host}`, async t => {
      const other = createServer()
      t.after(() => void other.close())
      other.listen(0, host)
      const failure = await Promise.race([
        once(other, 'listening').then(() => undefined),
        once(other, 'error').then(([error]) => error as NodeJS.ErrnoException),
      ])
      if (failure !== undefined) return t.skip(`this machine has no ${host}: ${failure.code}`)
      const address = other.address()
      const port = typeof address === 'object' && address ? address.port : assert.fail()
      const lines = await refusedLines(newFolder(t), { PORT: String(port) })
      assert.equal(lines.length, 1)
      assert.match(lines[0] ?? '', new RegExp(`^PORT ${port} is taken by another program: .* set PORT to `))
    })

  test('in production without a secret, an address or a word on registration, and nothing is made', async t => {
    const folder = newFolder(t)
    const lines = await refusedLines(folder, { NODE_ENV: 'production' })
    assert.equal(lines.length, 4)
    for (const name of ['GATEWRIGHT_SECRET', 'REGISTRATION', 'PUBLIC_URL', 'SMTP_URL'])
      assert.ok(
        lines.some(line => line.includes(`NODE_ENV is production, so production's rules hold: ${name} must`)),
        name,
      )
    assert.equal(existsSync(join(folder.path, 'data')), false)
  })

  test('where others can reach it, whatever NODE_ENV says', async t => {
    const lines = await refusedLines(newFolder(t), { HOST: '0.0.0.0', LIMITS_SCALE: '1' })
    assert.ok(lines.length >= 3)
    for (const line of lines) assert.match(line, /^HOST can be reached from other machines, so production's/)
  })

  test('on a database of another secret, and the database stays as it was', async t => {
    const folder = newFolder(t)
    const own = newSecret()
    await (await startServer(folder, { env: { GATEWRIGHT_SECRET: own } })).stop()
    const foreign = newSecret()
    const lines = await refusedLines(folder, { GATEWRIGHT_SECRET: foreign })
    assert.equal(lines.length, 1)
    assert.match(
      lines[0] ?? '',
      /^the database rests on the secret \S+, which is not here \(values are made with it\)/,
    )
    for (const secret of [own, foreign]) assert.doesNotMatch(lines.join(), new RegExp(secret))
    const both = await startServer(folder, { env: { GATEWRIGHT_SECRET: `${foreign},${own}` } })
    await both.stop()
  })

  test('when the secret that was made here is gone, and no other is made in its place', async t => {
    const folder = newFolder(t)
    await (await startServer(folder)).stop()
    const file = join(folder.path, 'data/secret')
    const { renameSync } = await import('node:fs')
    renameSync(file, join(folder.path, 'elsewhere'))
    const lines = await refusedLines(folder, {})
    assert.equal(lines.length, 1)
    assert.equal(existsSync(file), false)
  })

  test('on a file that is no database', async t => {
    const folder = newFolder(t)
    writeFileSync(join(folder.path, 'notes.txt'), 'not a database\n'.repeat(100))
    const lines = await refusedLines(folder, { DATABASE_URL: 'sqlite:notes.txt' })
    assert.equal(lines.length, 1)
    assert.equal(readFileSync(join(folder.path, 'notes.txt'), 'utf8'), 'not a database\n'.repeat(100))
  })
})

describe('a first start', () => {
  test('makes a folder, a database and a secret that only their owner can read', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder)
    const modes = ['data', 'data/gatewright.db', 'data/gatewright.db-wal', 'data/secret'].map(
      name => statSync(join(folder.path, name)).mode & 0o777,
    )
    assert.deepEqual(
      modes.map(mode => mode.toString(8)),
      ['700', '600', '600', '600'],
    )
    await server.stop()
  })

  test('announces the port that it picked, also where PUBLIC_URL is another', async t => {
    const server = await startServer(newFolder(t), { env: { PUBLIC_URL: 'http://localhost:1' } })
    await says(server, /First administrator/)
    const [, port] = /[Pp]ort (\d+)/.exec(server.stdout()) ?? []
    assert.ok(port, server.stdout())
    const ready = await fetch(`http://localhost:${port}/readyz`)
    assert.equal(ready.status, 200)
  })
})

test('npm run demo serves a played day on this machine, whatever an installation says, and removes it at its end', async t => {
  const folder = newFolder(t)
  writeFileSync(join(folder.path, '.env'), 'DATABASE_URL=sqlite:./data/mine.db\nAPP_NAME=Mine\n')
  const env = { DATABASE_URL: 'sqlite:./data/mine.db', HOST: '0.0.0.0', TMPDIR: folder.path }
  const file = join(import.meta.dirname, '../../tools/demo/main.ts')
  const demo = await startServer(folder, { file, env, args: ['7', '10'] })
  await says(demo, /Ctrl\+C ends it/)
  const [, username, shown] = /as (\S+) with the password (\S+)/.exec(demo.stdout()) ?? []
  assert.equal(username, administrator)
  const login = await demo.call('POST', 'login', { body: { username, password: shown } })
  const token = login.field('access_token')
  const figures = await demo.call('GET', 'admin/statistics', { token })
  assert.ok(JSON.parse(figures.text).users.total > 5, figures.text)
  assert.doesNotMatch((await demo.call('GET', 'admin/settings', { token })).text, /Mine|mine|0\.0\.0\.0/)
  await demo.stop()
  assert.deepEqual(readdirSync(folder.path), ['.env'])
})
