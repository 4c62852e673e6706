import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { until } from '../../../../test/process/until.ts'
import { settingRows } from '../ground/settings.ts'
import { signedIn } from '../permissions/access-rule.ts'
import { gatewright } from './gatewright.ts'
import { principalOf } from './request.ts'

const username = 'ann'
const password = 'correct horse battery staple'
let folder: string
let app: FastifyInstance

/** These tests are a process of their own: what they write here, only they read. */
const setEnvironment = (settings: Readonly<Record<string, string>>): void => {
  for (const { name } of settingRows) process.env[name] = ''
  Object.assign(process.env, { PORT: '1', DATABASE_URL: `sqlite:${join(folder, 'test.db')}`, ...settings })
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewright-plugin-'))
  setEnvironment({ ACCESS_LOG: 'off', LOG_LEVEL: 'fatal' })
  app = Fastify()
})
afterEach(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

const gate = { access: signedIn(), limit: 'read', audit: 'none' } as const
const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })

describe('the plugin in an application', () => {
  test('reads the settings, adds the account routes, and protects the routes of the application', async () => {
    await app.register(gatewright, {})
    app.get('/hello', { config: { gate } }, async request => ({ user: principalOf(request).userId }))
    assert.equal((await app.inject('/hello')).statusCode, 401)
    const registered = await post('/auth/register', { username, password })
    assert.equal(registered.statusCode, 201, registered.payload)
    const { access_token } = (await post('/auth/login', { username, password })).json()
    const headers = { authorization: `Bearer ${access_token}` }
    const hello = await app.inject({ url: '/hello', headers })
    assert.deepEqual(hello.json(), { user: registered.json().id })
  })

  test('leaves the bare address to the application', async () => {
    await app.register(gatewright, {})
    const { statusCode } = await app.inject({ url: '/', headers: { accept: 'text/html' } })
    assert.equal(statusCode, 404)
  })

  test('gives requests ids that nobody can guess, in place of counted ones', async () => {
    await app.register(gatewright, { mount: '/api' })
    const { headers } = await app.inject('/api/me')
    assert.match(String(headers['x-request-id']), /^[\w-]{22}$/)
  })

  test('closes the database with the application', async () => {
    await app.register(gatewright, {})
    const { db } = app.gatewright
    await app.close()
    await assert.rejects(async () => db.selectFrom('users').selectAll().execute())
  })

  test('listens for this machine without more ado', async () => {
    await app.register(gatewright, {})
    await app.listen({ host: 'localhost', port: 0 })
    assert.ok(app.server.listening)
  })
})

describe('the start of the application is stopped', () => {
  test('by settings that are not valid, with their line', async () => {
    setEnvironment({ TOKEN_SCHEME: 'two words' })
    await assert.rejects(async () => app.register(gatewright, {}), {
      name: 'SettingsError',
      message: /TOKEN_SCHEME/,
    })
  })

  test("by production's rules that are broken", async () => {
    setEnvironment({ NODE_ENV: 'production' })
    await assert.rejects(async () => app.register(gatewright, {}), {
      message: /GATEWRIGHT_SECRET must be set/,
    })
  })

  test('by a port that only the operating system will know', async () => {
    setEnvironment({ PORT: '0' })
    await assert.rejects(async () => app.register(gatewright, {}), {
      message: /^PORT is 0: write the number/,
    })
  })

  test('by WORKERS, which starts no other process of an application', async () => {
    setEnvironment({ WORKERS: 'auto' })
    await assert.rejects(async () => app.register(gatewright, {}), {
      message: /^WORKERS is for the server that Gatewright starts itself: remove it/,
    })
  })

  test('by an own permission that is built in', async () => {
    await assert.rejects(async () => app.register(gatewright, { permissions: { 'audit:read': 'mine' } }), {
      name: 'TypeError',
      message: /audit:read is built in/,
    })
  })

  test('by a route that was there before', async () => {
    app.get('/early', async () => 'open to all')
    await assert.rejects(async () => app.register(gatewright, {}), /register gatewright before any route/)
  })
})

test('an application that listens for other machines while HOST says localhost is closed at once', async t => {
  await app.register(gatewright, {})
  const said: string[] = []
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0)
  // It listens here only: what Fastify tells of its addresses is what the guard goes by.
  Object.defineProperty(app, 'addresses', { value: () => [{ address: '0.0.0.0', family: 'IPv4', port: 1 }] })
  await app.listen({ host: 'localhost', port: 0 })
  await until('it is closed', () => !app.server.listening, 1_000)
  assert.match(
    said.join(''),
    /^gatewright: the application listens on 0\.0\.0\.0, .* set HOST to where it listens/,
  )
  assert.equal(process.exitCode, 1)
  process.exitCode = 0
})
