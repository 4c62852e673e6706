import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { createFakeClock, password } from '../../../../test/harness.ts'
import { createUser } from '../administration/users.ts'
import { systemOrigin } from '../audit/record.ts'
import { compose, type Engine } from '../compose.ts'
import { Refusal } from '../ground/refusal.ts'
import { defaultSettings } from '../ground/settings.ts'
import { signedIn } from '../permissions/access-rule.ts'
import { type App, type Application, createApp } from './app.ts'
import { answerOnce, idempotencyKey } from './idempotency.ts'

const gate = { access: signedIn(), limit: 'unlimited', audit: 'none' } as const
const config = { gate }

/** An application as a customer writes it. */
const plugin: Application['plugin'] = async app => {
  let made = 0
  app.post('/orders/:id/items', { config, schema: { headers: idempotencyKey } }, (request, reply) =>
    answerOnce(app.gatewright, { request, reply }, async () => {
      made += 1
      return { status: 201, headers: { 'x-made': String(made) }, body: { made, query: request.query } }
    }),
  )
  app.post('/undeclared', { config }, (request, reply) =>
    answerOnce(app.gatewright, { request, reply }, async () => ({ status: 201, headers: {}, body: {} })),
  )
  app.post('/refuses', { config, schema: { headers: idempotencyKey } }, (request, reply) =>
    answerOnce(app.gatewright, { request, reply }, async () => new Refusal('conflict')),
  )
}

const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
let engine: Engine
let app: App['app']
let token = ''
before(async () => {
  const databaseUrl = `sqlite:${join(folder, 'test.db')}`
  const settings = defaultSettings({ nodeEnv: 'test', databaseUrl })
  engine = await compose({ settings, clock: createFakeClock(), durability: 'off' })
  const log = pino({ level: 'silent' })
  app = (await createApp({ engine, log, mount: '/auth', application: { plugin } })).app
  await createUser(engine, { username: 'alice', password, roles: [] }, systemOrigin)
  const login = { username: 'alice', password }
  token = (await app.inject({ method: 'POST', url: '/auth/login', payload: login })).json().access_token
})
after(async () => {
  await app.close()
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

const post = (url: string, payload: object, key?: string) =>
  app.inject({
    method: 'POST',
    url,
    payload,
    headers: { authorization: `Bearer ${token}`, ...(key !== undefined && { 'idempotency-key': key }) },
  })

test('a route that does not declare the header can not answer once: it fails whole, and is found at once', async () => {
  for (const key of ['k', undefined]) assert.equal((await post('/undeclared', {}, key)).statusCode, 500)
})

test('the same key with another id in the path or another query is another request', async () => {
  const first = await post('/orders/1/items?a=1', { b: 1 }, 'k')
  assert.equal(first.statusCode, 201)
  for (const url of ['/orders/2/items?a=1', '/orders/1/items?a=2', '/orders/1/items'])
    assert.equal((await post(url, { b: 1 }, 'k')).json().code, 'idempotency_key_reused', url)
  const again = await post('/orders/1/items?a=1', { b: 1 }, 'k')
  assert.deepEqual(
    [again.statusCode, again.payload, again.headers['x-made'], again.headers['idempotency-replayed']],
    [201, first.payload, '1', 'true'],
  )
})

test('an effect that returns a refusal is refused each time, with a key and without', async () => {
  for (const key of ['r', 'r', undefined]) {
    const answer = await post('/refuses', {}, key)
    assert.deepEqual([answer.statusCode, answer.json().code], [409, 'conflict'])
    assert.equal(answer.headers['idempotency-replayed'], undefined)
  }
})
