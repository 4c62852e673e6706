import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { exchange } from './http-client.ts'
import { type Folder, newFolder, type Server, startServer, toLines } from './spawned-server.ts'
import { until } from './until.ts'

/** A secret by its name; no two are alike. */
type Secrets = Map<string, string>

const newPassword = (secrets: Secrets, name: string): string => {
  const text = `${name} ${randomBytes(12).toString('hex')}`
  secrets.set(name, text)
  return text
}

const linkIn = (text: string): string | undefined => /\/console\/setup#([\w-]{43})/.exec(text)?.[1]

const keepPair = (
  secrets: Secrets,
  name: string,
  text: string,
): { readonly access: string; readonly refresh: string } => {
  const { access_token: access, refresh_token: refresh } = JSON.parse(text)
  secrets.set(`${name}: access token`, access)
  secrets.set(`${name}: signature of the access token`, access.split('.')[2])
  secrets.set(`${name}: refresh token`, refresh)
  return { access, refresh }
}

/** Everything that a caller can do with a secret, and everything that it can do wrong with one. */
const tellStory = async ({ call, port, stdout }: Server): Promise<Secrets> => {
  const secrets: Secrets = new Map()
  await until('the link is printed', () => linkIn(stdout()) !== undefined)
  const token = linkIn(stdout()) ?? ''
  const chief = newPassword(secrets, 'password of the administrator')
  await call('POST', 'setup', { body: { token: `${token}x`, username: 'chief', password: chief } })
  await call('POST', 'setup', { body: { token, username: 'x', password: chief } })
  assert.equal(
    (await call('POST', 'setup', { body: { token, username: 'chief', password: chief } })).status,
    201,
  )
  await call('POST', 'setup', { body: { token, username: 'chief2', password: chief } })

  const password = newPassword(secrets, 'password')
  const email = `${randomBytes(8).toString('hex')}@example.org`
  secrets.set('e-mail address', email)
  const short = newPassword(secrets, 'x').slice(-9)
  secrets.set('short password', short)
  await call('POST', 'register', { body: { username: 'bob', password: short } })
  assert.equal((await call('POST', 'register', { body: { username: 'bob', password, email } })).status, 201)
  await call('POST', 'register', { body: { username: 'bob', password } })
  const unknown = newPassword(secrets, 'password in an unknown field')
  await call('POST', 'register', { body: { username: 'carol', password, [unknown]: unknown } })

  const wrong = newPassword(secrets, 'wrong password')
  await call('POST', 'login', { body: { username: 'bob', password: wrong } })
  await call('POST', 'login', { body: { username: wrong, password: wrong } })
  await call('POST', 'login', { body: { username: 'bob', password: [wrong] } })
  await call('POST', 'login', { body: `{"username": "bob", "password": "${wrong}` })
  await call('POST', 'login', {
    body: `password=${wrong}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  await call('GET', `login?username=bob&password=${encodeURIComponent(wrong)}`)
  await exchange(port, `GET /${wrong} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  await exchange(port, `POST /login?${wrong} HTTP/1.1\r\nHost: a\r\nPassword : ${wrong}\r\n\r\n`)
  await exchange(port, `${wrong}\r\n\r\n`)

  const login = await call('POST', 'login', { body: { username: 'bob', password } })
  const first = keepPair(secrets, 'login', login.text)
  await call('GET', 'protected', { token: first.access })
  await call('GET', `protected?access_token=${first.access}`)
  await call('GET', 'protected', { token: `${first.access}x` })
  await call('GET', 'protected', { token: first.refresh })
  for (const name of ['x-api-key', 'cookie', 'x-access-token', 'user-agent', 'referer', 'origin', 'accept'])
    await call('GET', 'protected', { headers: { [name]: first.access } })
  await call('GET', 'protected', {
    headers: { authorization: `Basic ${Buffer.from(`bob:${wrong}`).toString('base64')}` },
  })
  secrets.set('basic credential', Buffer.from(`bob:${wrong}`).toString('base64'))
  await exchange(
    port,
    `GET /api/v1/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${first.access}\r\nAuthorization: Bearer ${first.refresh}\r\n\r\n`,
  )

  const refreshed = await call('POST', 'refresh', { body: { refresh_token: first.refresh } })
  keepPair(secrets, 'refresh', refreshed.text)
  await call('POST', 'refresh', { body: { refresh_token: `${first.refresh}x` } })
  await call('POST', 'refresh', { body: { refresh_token: first.access } })
  await call('POST', 'refresh', { token: first.refresh })

  await call('POST', 'step-up', { token: first.access, body: { password: wrong } })
  const steppedUp = await call('POST', 'step-up', { token: first.access, body: { password } })
  const second = keepPair(secrets, 'step-up', steppedUp.text)
  const next = newPassword(secrets, 'next password')
  await call('PUT', 'me/password', {
    token: second.access,
    body: { current_password: wrong, new_password: next },
  })
  const changed = await call('PUT', 'me/password', {
    token: second.access,
    body: { current_password: password, new_password: next },
  })
  assert.equal(changed.status, 200, changed.text)
  const third = keepPair(secrets, 'changed password', changed.text)
  await call('POST', 'refresh', { body: { refresh_token: first.refresh } })
  await call('POST', 'logout', { body: { refresh_token: third.refresh } })
  await call('POST', 'logout', { token: third.access })
  await call('GET', 'me', { token: third.access })
  secrets.set('set-up token', token)
  return secrets
}

const secretOf = (folder: Folder): string => readFileSync(join(folder.path, 'data/secret'), 'utf8').trim()

const assertNoSecret = (text: string, secrets: Secrets, where: string): void => {
  for (const [name, secret] of secrets)
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
      assert.equal(text.includes(form), false, `${where} holds: ${name}`)
}

describe('no secret of a whole story stands', { concurrency: true }, () => {
  for (const logFormat of ['json', 'pretty'])
    test(`on standard output or standard error, LOG_FORMAT=${logFormat}, but the link at the first start`, async t => {
      const folder = newFolder(t)
      const server = await startServer(folder, { env: { LOG_LEVEL: 'trace', LOG_FORMAT: logFormat } })
      const secrets = await tellStory(server)
      await server.stop()
      secrets.set('GATEWRIGHT_SECRET', secretOf(folder))
      const [announced = [], others = []] = [true, false].map(isLink =>
        server
          .stdout()
          .split('\n')
          .filter(line => /First administrator: /.test(line) === isLink),
      )
      assert.equal(announced.length, 1)
      assert.ok(others.length > 40, `${others.length} lines`)
      assertNoSecret(others.join('\n'), secrets, 'standard output')
      assertNoSecret(server.stderr(), secrets, 'standard error')
    })

  test('in the log file, with or without the link', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder, { env: { LOG_LEVEL: 'trace', LOG_FILE: 'server.log' } })
    const secrets = await tellStory(server)
    await server.stop()
    secrets.set('GATEWRIGHT_SECRET', secretOf(folder))
    const text = readFileSync(join(folder.path, 'server.log'), 'utf8')
    assert.ok(toLines(text).length > 40)
    assertNoSecret(text, secrets, 'the log file')
  })

  test('where every request is a failure of the database', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder, { env: { LOG_LEVEL: 'trace', REVOCATION_MAX_AGE: '60s' } })
    const secrets: Secrets = new Map()
    const password = newPassword(secrets, 'password')
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(join(folder.path, 'data/gatewright.db'), { timeout: 5_000 })
    for (const table of ['user_roles', 'sessions', 'posts', 'todos', 'users'])
      database.exec(`drop table ${table}`)
    database.close()
    const answer = await server.call('POST', 'register', { body: { username: 'bob', password } })
    assert.equal(answer.status, 500)
    await server.call('POST', 'login', { body: { username: password, password } })
    await until(
      'the failures are logged',
      () => toLines(server.stdout()).filter(({ err }) => err).length >= 2,
    )
    assertNoSecret(server.stdout() + server.stderr() + answer.text, secrets, 'the log')
  })
})

describe('the log', { concurrency: true }, () => {
  const messages = (text: string): readonly unknown[] => toLines(text).map(({ msg }) => msg)

  test('is JSON, a line each, where standard output is no terminal', async t => {
    const server = await startServer(newFolder(t))
    await server.call('GET', '/healthz')
    await until('the request is logged', () => /GET \/healthz 200/.test(server.stdout()))
    for (const line of toLines(server.stdout()))
      assert.deepEqual([typeof line.level, typeof line.msg], ['string', 'string'])
    await server.stop()
  })

  test('file is opened again on SIGHUP after it was moved away', async t => {
    const folder = newFolder(t)
    const file = join(folder.path, 'logs/server.log')
    const moved = `${file}.1`
    const server = await startServer(folder, { env: { LOG_FILE: 'logs/server.log' } })
    await server.call('GET', '/healthz')
    renameSync(file, moved)
    await server.call('GET', '/readyz')
    server.kill('SIGHUP')
    await until('the file is there again', () => existsSync(file))
    await server.call('GET', '/nowhere')
    await until('the request is logged', () => readFileSync(file, 'utf8').includes('/nowhere'))
    assert.deepEqual(messages(readFileSync(moved, 'utf8')), ['GET /healthz 200', 'GET /readyz 200'])
    assert.deepEqual(messages(readFileSync(file, 'utf8')), ['GET /nowhere 404'])
    assert.doesNotMatch(server.stdout(), /nowhere/)
  })

  test('of a full disk stops nothing', async t => {
    if (!existsSync('/dev/full')) return t.skip('this system has no /dev/full: Linux has')
    const server = await startServer(newFolder(t), { env: { LOG_FILE: '/dev/full' } })
    for (let request = 0; request < 20; request += 1)
      assert.equal((await server.call('GET', '/readyz')).status, 200)
    await server.stop()
  })

  test('of LOG_LEVEL=error has no request that went well or was refused, and the start is announced', async t => {
    const server = await startServer(newFolder(t), { env: { LOG_LEVEL: 'error' } })
    await server.call('GET', '/healthz')
    await server.call('GET', '/nowhere')
    await server.stop()
    assert.match(server.stdout(), /API: http/)
    assert.doesNotMatch(server.stdout(), /GET \/|SIGTERM/)
  })

  test('in production has refused requests only', async t => {
    const env = {
      NODE_ENV: 'production',
      GATEWRIGHT_SECRET: randomBytes(32).toString('base64url'),
      REGISTRATION: 'closed',
      MAIL: 'off',
      PUBLIC_URL: 'http://localhost:1',
    }
    const server = await startServer(newFolder(t), { env })
    await server.call('GET', '/healthz')
    await server.call('GET', '/nowhere')
    await server.stop()
    assert.deepEqual(
      toLines(server.stdout()).flatMap(({ path }) => path ?? []),
      ['/nowhere'],
    )
  })
})
