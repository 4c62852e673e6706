import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Settings } from 'gatewright/settings'
import { generate } from 'selfsigned'
import { parseArguments } from '../../packages/gatewright/src/cli/arguments.ts'
import { commands } from '../../packages/gatewright/src/cli/commands.ts'
import { adviseOn } from '../../packages/gatewright/src/smoke/advise.ts'
import { type Account, runSmoke, type SmokeReport } from '../../packages/gatewright/src/smoke/run-smoke.ts'
import { addTestUser } from '../../packages/gatewright/src/testing/test-user.ts'
import { password, real, startTestApp, type TestApp } from '../harness.ts'
import { startListeningApp } from '../process/listening-app.ts'
import { commandLine } from '../process/spawned-server.ts'
import { type Spoil, startBrokenProxy } from './broken-proxy.ts'

type Owner = { readonly after: (end: () => void) => void }

let t: TestApp
let blog: URL
before(async () => {
  t = await startTestApp()
  await t.app.listen({ host: '127.0.0.1', port: 0 })
  blog = new URL(`http://127.0.0.1:${(t.app.server.address() as AddressInfo).port}`)
})
after(() => t.close())

/** Longer than on a busy machine anything takes. */
const bounds = { request: 60_000, all: 120_000, refusal: 300 }
const never = new AbortController().signal

type Overrides = {
  readonly mount?: string
  readonly account?: Account
  readonly bounds?: Partial<typeof bounds>
  readonly stop?: AbortSignal
}
const smoke = (base: URL, { mount, account, bounds: other, stop = never }: Overrides = {}) =>
  runSmoke(real, { base, mount, account, bounds: { ...bounds, ...other }, stop })

const failedOf = ({ outcomes }: SmokeReport) => outcomes.filter(({ ok }) => !ok)
const namesOf = ({ outcomes }: SmokeReport) => outcomes.map(({ step }) => step)
/** The one step that failed, what came, and what is advised. */
const failureOf = (report: SmokeReport): readonly string[] => {
  const [failed, ...others] = failedOf(report)
  assert.ok(failed !== undefined && others.length === 0, JSON.stringify(report))
  assert.equal(report.ok, false)
  return [failed.step, failed.came, adviseOn(failed) ?? '']
}

/** Whether nothing is left of the user that it made. */
const isGone = async ({ username, left }: SmokeReport): Promise<boolean> => {
  const rows = await t.engine.db.selectFrom('users').select('id').where('username', '=', username).execute()
  return rows.length === 0 && left === null
}

const spoiled = (owner: Owner, spoil: Spoil): Promise<URL> => startBrokenProxy(owner, blog, spoil)

describe('the smoke test', () => {
  test('goes the whole way at the usual mounts without being told which, and leaves nobody behind', async t => {
    const other = await startListeningApp(t)
    const reports = await Promise.all([
      smoke(blog),
      smoke(new URL(other.url)),
      smoke(blog, { mount: '/api/v1' }),
    ])
    for (const report of reports) {
      assert.deepEqual(failedOf(report), [])
      assert.deepEqual([report.ok, report.left], [true, null])
      assert.match(report.username, /^smoke-[0-9a-f]{16}$/)
    }
    assert.deepEqual(
      reports.map(({ mount }) => mount),
      ['/api/v1', '/auth', '/api/v1'],
    )
    assert.ok(await isGone(reports[0]))
    assert.deepEqual(namesOf(reports[0]), [
      'no token is refused',
      'register',
      'sign in',
      'let in',
      'refresh',
      'let in with the new token',
      'sign out',
      'the access token is refused',
      'the access token from before the refresh is refused',
      'the refresh token is refused',
      'clean-up: sign in',
      'clean-up: delete the user',
      'clean-up: the deleted user is refused',
    ])
  })

  test('signs in as a user that is there, who stays', async () => {
    const { username } = await addTestUser(t.engine, { username: 'stays', roles: ['user'] }, {})
    const report = await smoke(blog, { account: { username, password } })
    assert.deepEqual([report.ok, failedOf(report), report.left], [true, [], null])
    assert.ok(!namesOf(report).some(name => /register|clean-up/.test(name)))
    assert.equal((await t.call('POST', 'login', { body: { username, password } })).status, 200)
  })
})

describe('the smoke test fails where', () => {
  const signedOut = (request: { readonly url?: string | undefined }) => request.url?.endsWith('/logout')

  test('an access token is taken after the sign-out, by one process of several', async t => {
    let isOut = false
    let asked = 0
    const address = await spoiled(t, (request, response) => {
      isOut ||= signedOut(request) === true
      if (!isOut || !request.url?.endsWith('/protected') || asked++ % 2 === 0) return false
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"user":{"username":"x"}}')
      return true
    })
    const report = await smoke(address)
    const [failed] = failedOf(report)
    assert.deepEqual(
      [failed?.step, failed?.came, report.ok],
      ['the access token is refused', '200, still 0.3 s later', false],
    )
    assert.match((failed && adviseOn(failed)) ?? '', /^What has ended is still taken/)
    assert.ok(await isGone(report))
  })

  test('a refresh token is taken after the sign-out', async t => {
    let isOut = false
    const address = await spoiled(t, (request, response) => {
      isOut ||= signedOut(request) === true
      if (!isOut || !request.url?.endsWith('/refresh')) return false
      const pair = { access_token: 'a', refresh_token: 'b', token_type: 'Bearer', expires_in: 1 }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(pair))
      return true
    })
    const report = await smoke(address)
    assert.equal(failureOf(report)[0], 'the refresh token is refused')
    assert.ok(await isGone(report))
  })

  test('a sign-out is not passed on', async t => {
    const address = await spoiled(t, (request, response) => {
      if (!signedOut(request)) return false
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      return true
    })
    const report = await smoke(address)
    assert.equal(failureOf(report)[0], 'the access token is refused')
    assert.ok(await isGone(report))
  })

  type Wrong = {
    readonly what: string
    readonly at: RegExp
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
    readonly step: string
    readonly told: RegExp
  }
  const html = { 'content-type': 'text/html' }
  const json = { 'content-type': 'application/json' }
  const wrong: readonly Wrong[] = [
    {
      what: 'everybody is let in',
      at: /protected/,
      status: 200,
      headers: json,
      body: '{"user":null}',
      step: 'no token is refused',
      told: /^200/,
    },
    {
      what: 'a proxy asks for a password of its own',
      at: /protected/,
      status: 401,
      headers: html,
      body: '<h1>',
      step: 'no token is refused',
      told: /^401, text\/html, no JSON/,
    },
    {
      what: 'a page stands in place of the answer',
      at: /login/,
      status: 200,
      headers: html,
      body: '<h1>',
      step: 'sign in',
      told: /^200, text\/html, no JSON/,
    },
    {
      what: 'a page calls itself JSON',
      at: /login/,
      status: 200,
      headers: json,
      body: '<h1>',
      step: 'sign in',
      told: /^200, application\/json, no JSON/,
    },
    {
      what: 'a token of another is given',
      at: /login/,
      status: 200,
      headers: json,
      body: '{"access_token":"x","refresh_token":"y","token_type":"Bearer"}',
      step: 'let in',
      told: /^401 invalid_token/,
    },
    {
      what: 'another user is let in',
      at: /protected$/,
      status: 200,
      headers: json,
      body: '{"user":{"username":"bob"}}',
      step: 'no token is refused',
      told: /^200/,
    },
    {
      what: 'the same pair comes back',
      at: /refresh/,
      status: 200,
      headers: json,
      body: '{}',
      step: 'refresh',
      told: /^200/,
    },
    {
      what: 'an address leads elsewhere',
      at: /register/,
      status: 308,
      headers: { location: 'https://api.example.org/api/v1/register?token=hidden' },
      step: 'register',
      told: /^308 to https:\/\/api\.example\.org\/api\/v1\/register, without a body Redirects are not followed/,
    },
    {
      what: 'a limit was reached',
      at: /register/,
      status: 429,
      headers: { ...json, 'retry-after': '30' },
      body: '{"code":"rate_limited"}',
      step: 'register',
      told: /^429 rate_limited, try again in 30 s A limit/,
    },
    {
      what: 'the database is away',
      at: /logout/,
      status: 503,
      headers: json,
      body: '{"code":"unavailable"}',
      step: 'sign out',
      told: /^503 unavailable Look at/,
    },
    {
      what: 'the proxy finds no server',
      at: /logout/,
      status: 502,
      headers: html,
      body: '<h1>',
      step: 'sign out',
      told: /^502, text\/html, no JSON Look at/,
    },
    {
      what: 'the user has a second factor',
      at: /login/,
      status: 401,
      headers: json,
      body: '{"code":"mfa_required"}',
      step: 'sign in',
      told: /mfa_required This user needs more/,
    },
  ]
  for (const { what, at, status, headers = {}, body = '', step, told } of wrong)
    test(`${what}, says so, and removes the user`, async t => {
      let isFirst = true
      const address = await spoiled(t, (request, response) => {
        if (!isFirst || !at.test(request.url ?? '')) return false
        isFirst = false
        response.writeHead(status, headers).end(body)
        return true
      })
      const report = await smoke(address)
      const [failed, ...rest] = failureOf(report)
      assert.equal(failed, step)
      assert.match(rest.join(' '), told)
      assert.ok(!rest.join(' ').includes('hidden'))
      assert.ok(await isGone(report))
    })

  test('a cache answers with what it has kept of another user', async t => {
    const address = await spoiled(t, (request, response) => {
      if (request.headers.authorization === undefined || !request.url?.endsWith('/protected')) return false
      response.writeHead(200, json).end('{"user":{"username":"bob"}}')
      return true
    })
    const report = await smoke(address)
    assert.equal(failedOf(report)[0]?.step, 'let in')
    assert.ok(await isGone(report))
  })

  test('nobody may register, and says how else', async t => {
    const closed: Partial<Settings> = { registration: 'closed' }
    const { url } = await startListeningApp(t, closed)
    const report = await smoke(new URL(url))
    const [step, came, advice] = failureOf(report)
    assert.deepEqual([step, came], ['register', '403 insufficient_permission'])
    assert.match(advice ?? '', /--username and --password-stdin/)
    assert.ok(!namesOf(report).some(name => name.startsWith('clean-up')))
  })

  test('the gate is not there, at a mount or at none of the usual two', async () => {
    assert.match(failureOf(await smoke(blog, { mount: '/gate' })).join(' '), /404 not_found .*--mount/)
  })

  test('the registration got through and its answer did not: the user is removed all the same', async t => {
    const address = await startBrokenProxy(t, blog, () => false)
    const lossy = await spoiled(t, (request, response) => {
      if (!request.url?.endsWith('/register')) return false
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', async () => {
        await fetch(new URL('/api/v1/register', address), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: Buffer.concat(chunks),
        })
        response.destroy()
      })
      return true
    })
    const report = await smoke(lossy)
    assert.match(failureOf(report).join(' '), /^register the connection was closed without an answer/)
    assert.ok(await isGone(report))
    assert.ok(namesOf(report).includes('clean-up: delete the user'))
  })

  test('the user can not be removed: it is named', async t => {
    const address = await spoiled(t, (request, response) => {
      if (request.method !== 'DELETE') return false
      response.writeHead(503).end()
      return true
    })
    const report = await smoke(address)
    assert.equal(failureOf(report)[0], 'clean-up: delete the user')
    assert.equal(report.left, report.username)
    assert.doesNotMatch(JSON.stringify(report), /gwr_|eyJ|"password"/)
  })

  test('it is stopped in the middle: the user is removed first', async t => {
    const stop = new AbortController()
    const address = await spoiled(t, request => {
      if (request.url?.endsWith('/refresh')) stop.abort(new Error('stopped by SIGTERM'))
      return false
    })
    const report = await smoke(address, { stop: stop.signal })
    assert.deepEqual(failureOf(report).slice(0, 2), ['refresh', 'stopped by SIGTERM'])
    assert.ok(await isGone(report))
  })

  test('no answer comes in time', async t => {
    const address = await spoiled(t, () => true)
    const one = await smoke(address, { bounds: { request: 200 } })
    assert.deepEqual(failureOf(one).slice(0, 2), ['no token is refused', 'no answer within 0.2 s'])
    const all = await smoke(address, { bounds: { all: 200 } })
    assert.deepEqual(failedOf(all)[0]?.came, 'all steps together took longer than 0.2 s')
  })
})

const makeCertificate = async () => {
  const name = [{ name: 'commonName', value: 'localhost' }]
  const { cert, private: key } = await generate(name, { keyType: 'ec', curve: 'P-256' })
  return { cert, key }
}

describe('where nobody answers, the smoke test says', () => {
  const comes = async (base: string): Promise<string> => failureOf(await smoke(new URL(base)))[1] ?? ''

  test('that a name was not found, and that nothing listens', async () => {
    assert.match(await comes('https://nowhere.invalid'), /^the name was not found/)
    assert.match(await comes('http://127.0.0.1:1'), /^the connection was refused/)
  })

  test('that a certificate is not trusted', async t => {
    const { url } = await startListeningApp(t, {}, await makeCertificate())
    assert.match(await comes(url), /^the certificate is not trusted: /)
  })

  test('that no HTTP or no TLS is spoken there', async t => {
    const server = createServer(socket => socket.end('220 mail.example.org\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    assert.match(await comes(`http://127.0.0.1:${port}`), /^no HTTP is spoken there/)
    assert.match(await comes(`https://127.0.0.1:${port}`), /^no TLS is spoken there/)
  })
})

describe('gatewright smoke', () => {
  const refusalOf = async (line: string): Promise<string> => {
    const invocation = parseArguments(['smoke', ...line.split(' ')], commands, '0.0.0')
    assert.ok(invocation.kind === 'run')
    return invocation.command.run(invocation.input).then(
      () => assert.fail('it ran'),
      (error: Error) => `${error.name}: ${error.message}`,
    )
  }

  test('is wrong use with an address, mount or time that is none, and half of an account', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['--url api.example.org', /--url is not valid: write scheme, host and port only/],
      ['--url https://api.example.org/api/v1', /the path before \/login is --mount/],
      ['--url https://user:secret@api.example.org', /--url is not valid/],
      ['--url http://api.example.org', /plain HTTP to another machine/],
      ['--url http://localhost.example.org', /plain HTTP to another machine/],
      ['--url http://127.0.0.1.nip.io', /plain HTTP to another machine/],
      ['--url http://localhost:1 --mount api', /--mount is not valid/],
      ['--url http://localhost:1 --mount /api/../x?y', /--mount is not valid/],
      ['--url http://localhost:1 --within 5', /--within is not valid/],
      ['--url http://localhost:1 --within 2h', /--within is not valid/],
      ['--url http://localhost:1 --username bob', /stand together/],
      ['--url http://localhost:1 --password-stdin', /stand together/],
    ]
    for (const [line, says] of cases) {
      const told = await refusalOf(line)
      assert.match(told, /^WrongUse: /, line)
      assert.match(told, says, line)
      assert.ok(!told.includes('secret@'))
    }
    assert.throws(() => parseArguments(['smoke', '--password', 'x'], commands, '0'), /--password-stdin/)
  })

  type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
  const run = (line: string, input = '', env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    new Promise(resolve => {
      const child = spawn(process.execPath, [commandLine, 'smoke', ...line.split(' ')], {
        env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
      })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', chunk => {
        stdout += chunk
      })
      child.stderr.on('data', chunk => {
        stderr += chunk
      })
      child.on('close', code => resolve({ code, stdout, stderr }))
      child.stdin.end(input)
    })

  test('takes no certificate that is not trusted, whatever the environment allows', async t => {
    const { url } = await startListeningApp(t, {}, await makeCertificate())
    const ended = await run(`--url ${url}`, '', { NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    assert.equal(ended.code, 1)
    assert.match(ended.stdout, /the certificate is not trusted: /)
  })

  test('prints each step, takes PUBLIC_URL where nothing is written, and exits with 0, or 1 with what was expected', async () => {
    const [well, refused] = await Promise.all([
      run('--mount /api/v1', '', { PUBLIC_URL: blog.origin }),
      run(`--url ${blog.origin} --username nobody --password-stdin --json`, `${password}\n`),
    ])
    assert.deepEqual([well.code, well.stderr], [0, ''], well.stdout)
    assert.match(well.stdout, /\nok +\d+ ms +the refresh token is refused +401 \w+\n/)
    assert.match(well.stdout, /\nAll 13 steps went as they must\.\n$/)
    assert.deepEqual([refused.code, refused.stderr], [1, ''])
    const { ok, steps, left, url } = JSON.parse(refused.stdout)
    assert.deepEqual([ok, left, url, steps.length], [false, null, blog.origin, 2])
    assert.deepEqual([steps[1].step, steps[1].came], ['sign in', '401 invalid_credentials'])
    assert.ok(!refused.stdout.includes(password))
  })
})
