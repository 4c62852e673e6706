import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createApp } from 'gatewright/app'
import { pino } from 'pino'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
let alice: Caller
let bob: Caller
before(async () => {
  t = await startTestApp()
  alice = await signUp(t, 'alice')
  bob = await signUp(t, 'bob')
})
after(() => t.close())

test('nobody registers with a role of their own choice', async () => {
  const wishes = [
    { roles: ['admin'] },
    { role: 'admin' },
    { is_admin: true },
    { permissions: ['users:write'] },
  ]
  for (const [index, wish] of wishes.entries()) {
    const body = { username: `mallory${index}`, password, ...wish }
    assert.equal((await t.call('POST', 'register', { body })).status, 400, JSON.stringify(wish))
    const asStranger = await t.call('POST', 'users', { body })
    const asUser = await t.call('POST', 'users', { body, token: alice.access })
    for (const { status } of [asStranger, asUser]) assert.ok([400, 401, 403].includes(status), `${status}`)
  }
  const held = await t.engine.db.selectFrom('user_roles').select('role').distinct().execute()
  assert.deepEqual(
    held.map(({ role }) => role),
    ['user'],
  )
})

test('a field that the route does not know is refused and not written', async () => {
  const own = await t.call('POST', 'posts', { token: alice.access, body: { title: 'Mine', content: '' } })
  assert.equal(own.status, 201, own.text)
  const fields = [
    { user_id: bob.id },
    { author_id: bob.id },
    { id: 'x' },
    { created_at: 0 },
    { is_admin: true },
  ]
  for (const field of fields) {
    const created = await t.call('POST', 'posts', {
      token: alice.access,
      body: { title: 'Forged', content: '', ...field },
    })
    const changed = await t.call('PUT', `posts/${own.body.id}`, { token: alice.access, body: field })
    for (const { status, body } of [created, changed])
      assert.deepEqual([status, body.code], [400, 'validation_failed'], JSON.stringify(field))
  }
  const { body } = await t.call('GET', `posts/${own.body.id}`, { token: alice.access })
  assert.deepEqual(body, own.body)
})

test('whoever is signed in reaches own things only, whatever the id says', async () => {
  const { body: todo } = await t.call('POST', 'todos', { token: alice.access, body: { title: 'Mine' } })
  const asBob = { token: bob.access }
  assert.equal((await t.call('GET', `todos/${todo.id}`, asBob)).status, 404)
  assert.equal((await t.call('PUT', `todos/${todo.id}`, { ...asBob, body: { done: true } })).status, 404)
  assert.equal((await t.call('DELETE', `todos/${todo.id}`, asBob)).status, 404)
  assert.deepEqual((await t.call('GET', 'todos', asBob)).body.todos, [])
  assert.deepEqual((await t.call('GET', `todos/${todo.id}`, { token: alice.access })).body, todo)
})

test('ids can not be counted through', async () => {
  const made = []
  for (let count = 0; count < 20; count++)
    made.push((await t.call('POST', 'todos', { token: alice.access, body: { title: 'x' } })).body.id)
  for (const id of [...made, alice.id, bob.id]) assert.match(id, /^[\w-]{22}$/)
  assert.equal(
    new Set(made.map(id => id.slice(0, 6))).size,
    made.length,
    'nothing of an id follows the last one',
  )
  assert.equal((await t.call('GET', 'todos/1', { token: alice.access })).status, 404)
})

test('a long password counts to its last byte, and beyond 1,024 bytes it is refused, not cut', async () => {
  const long = password.padEnd(1_023, 'x')
  const registered = await t.call('POST', 'register', { body: { username: 'carol', password: `${long}a` } })
  assert.equal(registered.status, 201, registered.text)
  const signIn = async (shown: string) =>
    (await t.call('POST', 'login', { body: { username: 'carol', password: shown } })).status
  assert.equal(await signIn(`${long}b`), 401)
  assert.equal(await signIn(`${long}a`.slice(0, 72)), 401)
  assert.equal(await signIn(`${long}ab`), 400)
  assert.equal(await signIn(`${long}a`), 200)
})

test('a token in the address, in a cookie or in the body signs nobody in', async () => {
  for (const name of ['token', 'jwt', 'access_token', 'auth'])
    assert.equal((await t.call('GET', `protected?${name}=${alice.access}`)).status, 401, name)
  for (const name of ['access_token_cookie', 'session', 'gw_session', '__Host-gw_session'])
    assert.equal(
      (await t.call('GET', 'protected', { headers: { cookie: `${name}=${alice.access}` } })).status,
      401,
    )
  const body = { title: 'x', access_token: alice.access }
  assert.equal((await t.call('POST', 'todos', { body })).status, 401)
})

test('a token signed by another algorithm than its key, or by none, is refused', async () => {
  const [head = '', claims = '', signature = ''] = alice.access.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString())
  const key = await t.engine.db
    .selectFrom('signing_keys')
    .selectAll()
    .where('kid', '=', header.kid)
    .executeTakeFirstOrThrow()
  const withHeader = (alg: string, sign: (text: string) => string): string => {
    const text = `${Buffer.from(JSON.stringify({ ...header, alg })).toString('base64url')}.${claims}`
    return `${text}.${sign(text)}`
  }
  const hmac = (secret: string) => (text: string) =>
    createHmac('sha256', secret).update(text).digest('base64url')
  const forged = [
    withHeader('none', () => ''),
    withHeader('None', () => signature),
    withHeader('HS256', hmac(key.public_key)),
    withHeader('HS256', hmac('')),
    withHeader('RS256', () => signature),
    `${head}.${claims}.`,
  ]
  for (const token of forged) {
    const { status, body } = await t.call('GET', 'protected', { token })
    assert.deepEqual([status, body.code], [401, 'invalid_token'], token)
  }
  assert.equal((await t.call('GET', 'protected', { token: alice.access })).status, 200)
})

test('a forged X-Forwarded-For moves nobody to a fresh limit, with or without a proxy in front', async () => {
  const setups = [
    { trustedProxies: [], address: '198.51.100.7', forward: (forged: string) => forged },
    {
      trustedProxies: ['10.0.0.1'],
      address: '10.0.0.1',
      forward: (forged: string) => `${forged}, 198.51.100.7`,
    },
  ]
  for (const { trustedProxies, address, forward } of setups) {
    const app = await startTestApp({ limitsScale: 1, trustedProxies })
    const statuses = []
    for (let attempt = 0; attempt < 8; attempt++) {
      const forged = `192.0.2.${attempt}`
      const headers = { 'x-forwarded-for': forward(forged), 'x-real-ip': forged, forwarded: `for=${forged}` }
      const body = { username: 'alice', password: `guess ${attempt}` }
      statuses.push((await app.call('POST', 'login', { body, headers, address })).status)
    }
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
    await app.close()
  }
})

test('a route without an access rule stops the start with its name', async () => {
  const plugin = async (app: TestApp['app']): Promise<void> => {
    app.get('/forgotten', async () => 'open to the world')
  }
  const log = pino({ level: 'silent' })
  await assert.rejects(
    createApp({ engine: t.engine, log, mount: '/auth', application: { plugin } }),
    /GET \/forgotten has no access rule/,
  )
})
