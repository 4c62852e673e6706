import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { hour } from '../../packages/gatewright/src/ground/clock.ts'
import { password, startTestApp, type TestApp } from '../harness.ts'
import { addUser } from './signed-in.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const register = (body: unknown, on = t, address = '127.0.0.1') =>
  on.call('POST', 'register', { body, address })
const countUsers = async (): Promise<number> =>
  (await t.engine.db.selectFrom('users').select('id').execute()).length

test('who registers is a plain user, and is told what everybody may know and the own permissions', async () => {
  const { status, body } = await register({ username: 'Alice', password })
  assert.equal(status, 201)
  const { id, created_at, ...rest } = body
  assert.match(id, /^[\w-]{22}$/)
  assert.equal(created_at, new Date(t.clock.now()).toISOString())
  assert.deepEqual(rest, {
    username: 'Alice',
    email: null,
    email_verified: false,
    roles: ['user'],
    permissions: ['posts:write', 'todos:read', 'todos:write', 'users:read'],
    fields: {},
    locale: 'en',
  })
})

describe('a name that is taken', () => {
  for (const name of ['alice', 'ALICE', 'Alice', 'ａｌｉｃｅ'])
    test(`is refused with 409, also written ${name}`, async () => {
      const { status, body } = await register({ username: name, password })
      assert.deepEqual([status, body.code], [409, 'username_taken'])
    })

  test('stays taken while its user is disabled', async () => {
    const { id: userId } = await addUser(t.engine, 'gone')
    await disableUser(t.engine, { userId, origin })
    assert.equal((await register({ username: 'gone', password })).status, 409)
  })

  test('by twenty at once is given to one', async () => {
    const before = await countUsers()
    const spellings = ['bob', 'Bob', 'BOB', 'bOb']
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        register({ username: spellings[n % 4], password: `${password} ${n}` }),
      ),
    )
    const statuses = answers.map(({ status }) => status).sort()
    assert.deepEqual(statuses, [201, ...Array(19).fill(409)])
    assert.equal(await countUsers(), before + 1)
    const rows = await t.engine.db
      .selectFrom('audit_events')
      .innerJoin('users', 'users.id', 'audit_events.user_id')
      .select('event')
      .where('username_key', '=', 'bob')
      .execute()
    assert.deepEqual(
      rows.map(({ event }) => event),
      ['user.registered'],
    )
    const winner = answers.findIndex(({ status }) => status === 201)
    const login = { username: 'bob', password: `${password} ${winner}` }
    assert.equal((await t.call('POST', 'login', { body: login })).status, 200)
  })
})

describe('what is refused with 400, and makes no user', () => {
  const rows: Record<string, { readonly body: unknown; readonly code?: string }> = {
    'a reserved name': { body: { username: 'admin', password } },
    'a name that looks like a reserved one': { body: { username: 'Adm1n', password } },
    'a name like an e-mail address': { body: { username: 'a@example.org', password } },
    'a name of one letter': { body: { username: 'a', password } },
    'an invisible character': { body: { username: 'ali\u200bce', password } },
    'an empty name': { body: { username: '', password } },
    'a name that is a number': { body: { username: 1, password } },
    'a password of 14 characters': {
      body: { username: 'carol', password: 'a'.repeat(14) },
      code: 'password_too_short',
    },
    'a password of 14 characters in 28 units': {
      body: { username: 'carol', password: '🐈'.repeat(14) },
      code: 'password_too_short',
    },
    'a password of 1,025 bytes': { body: { username: 'carol', password: 'a'.repeat(1_025) } },
    'a password that is half a character': {
      body: { username: 'carol', password: `\ud800${password}` },
      code: 'malformed_json',
    },
    'no password': { body: { username: 'carol' } },
    'no name': { body: { password } },
    'a role': { body: { username: 'carol', password, role: 'admin' } },
    roles: { body: { username: 'carol', password, roles: ['admin'] } },
    permissions: { body: { username: 'carol', password, permissions: ['users:write'] } },
    'an id': { body: { username: 'carol', password, id: 'A'.repeat(22) } },
    'a verified address': {
      body: { username: 'carol', password, email: 'c@example.org', email_verified: true },
    },
    'a time of creation': { body: { username: 'carol', password, created_at: '2020-01-01T00:00:00.000Z' } },
    'an address that is none': { body: { username: 'carol', password, email: 'carol' } },
    'a list of users': { body: [{ username: 'carol', password }] },
    'no body': { body: undefined },
  }
  for (const [name, { body, code = 'validation_failed' }] of Object.entries(rows))
    test(name, async () => {
      const [users, hashes] = [await countUsers(), t.engine.hasher.count()]
      const answer = await register(body)
      assert.deepEqual([answer.status, answer.body.code], [400, code], answer.text)
      assert.deepEqual([await countUsers(), t.engine.hasher.count()], [users, hashes])
    })

  test('roles with a name on the route of the blog, for whoever is not an administrator', async () => {
    const body = { username: 'carol', password, roles: ['admin'] }
    assert.equal((await t.call('POST', 'users', { body })).status, 401)
    const { body: login } = await t.call('POST', 'login', { body: { username: 'alice', password } })
    const refused = await t.call('POST', 'users', { body, token: login.access_token })
    assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_permission'])
  })
})

test('a name that can not be and a password that is too short are told together', async () => {
  const { status, body } = await register({ username: 'a@b', password: 'short' })
  assert.deepEqual([status, body.code], [400, 'validation_failed'])
  assert.deepEqual(
    body.errors.map(({ path }: { readonly path: string }) => path),
    ['/username', '/password'],
  )
})

test('the longest and the shortest password that may be are taken', async () => {
  for (const [username, shown] of [
    ['shorty', '🐈🌊🍋🚲🎻🪁🧭🛶🥁🗿🧊🪐🦉🌵🍂'],
    ['longy', password.padEnd(1_024, 'a')],
  ]) {
    assert.equal((await register({ username, password: shown })).status, 201)
    assert.equal((await t.call('POST', 'login', { body: { username, password: shown } })).status, 200)
  }
})

test('an e-mail address that somebody else has verified registers like a free one, and nobody is told', async () => {
  const email = 'dora@example.org'
  await register({ username: 'dora', password, email })
  await t.engine.db
    .updateTable('users')
    .set({ email_verified_at: 1 })
    .where('username', '=', 'dora')
    .execute()
  const taken = await register({ username: 'impostor', password, email })
  const free = await register({ username: 'erin', password, email: 'erin@example.org' })
  const shapeOf = ({ status, body }: typeof taken) => ({
    status,
    body: { ...body, id: '', username: '', email: '' },
  })
  assert.deepEqual(shapeOf(taken), shapeOf(free))
  assert.equal(taken.body.email_verified, false)
})

for (const [mode, detail] of [
  ['closed', 'Registration is closed.'],
  ['invite', 'Only who was invited may register.'],
] as const)
  test(`where registration is ${mode} no stranger registers, and nothing is hashed`, async () => {
    const closed = await startTestApp({ registration: mode })
    for (const path of ['register', 'users']) {
      const { status, body } = await closed.call('POST', path, { body: { username: 'alice', password } })
      assert.deepEqual([status, body.code, body.detail], [403, 'insufficient_permission', detail])
    }
    assert.equal(closed.engine.hasher.count(), 0)
    await closed.close()
  })

test('the twenty-first registration of an address in an hour is refused, without a hash', async () => {
  const limited = await startTestApp({ limitsScale: 1 })
  const attempt = (n: number, address?: string) =>
    register({ username: `a${n}`, password: 'short' }, limited, address)
  for (let n = 0; n < 20; n++) assert.equal((await attempt(n)).status, 400)
  const refused = await register({ username: 'fred', password }, limited)
  assert.deepEqual([refused.status, refused.body.code], [429, 'rate_limited'])
  assert.equal(limited.engine.hasher.count(), 0)
  assert.equal((await attempt(21, '192.0.2.7')).status, 400, 'another address is not affected')
  limited.clock.advance(hour)
  assert.equal((await register({ username: 'fred', password }, limited)).status, 201)
  await limited.close()
})
