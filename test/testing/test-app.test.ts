import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createApp } from 'gatewright/app'
import { addTotp, type SignedIn, signedInAs, startTestApp, type TestApp } from 'gatewright/testing'
import { pino } from 'pino'
import { startTestApp as startOnAnySettings } from '../harness.ts'
import { until } from '../process/until.ts'
import { buildReports, done, reports } from './reports.ts'

const minute = 60_000
const anyRoles = { roles: ['user'] } as const

const kinds = { application: { application: reports }, build: { build: buildReports } } as const

for (const [kind, subject] of Object.entries(kinds))
  describe(`an application given as ${kind}`, () => {
    let t: TestApp
    before(async () => {
      t = await startTestApp(subject)
    })
    after(() => t.close())

    test('is asked by nobody, by somebody and by somebody with a role as in production', async () => {
      const ann = await signedInAs(t, { roles: ['analyst'] })
      const ben = await signedInAs(t, anyRoles)
      assert.equal((await t.app.inject('/hello')).statusCode, 401)
      assert.deepEqual((await ben.inject('/hello')).json(), { user: ben.user.id })
      assert.equal((await ben.inject('/reports')).json().code, 'insufficient_permission')
      assert.deepEqual((await ann.inject({ url: '/reports' })).json(), { reports: [] })
    })

    test('has its account routes, where a wrong password is refused and the right one is not', async () => {
      const { user, password } = await signedInAs(t, anyRoles)
      const signIn = (shown: string) =>
        t.app.inject({
          method: 'POST',
          url: '/auth/login',
          payload: { username: user.username, password: shown },
        })
      assert.equal((await signIn(`${password}.`)).json().code, 'invalid_credentials')
      const { access_token } = (await signIn(password)).json()
      const headers = { authorization: `Bearer ${access_token}` }
      assert.deepEqual((await t.app.inject({ url: '/hello', headers })).json(), { user: user.id })
    })

    test('that listens where other machines can reach it is closed', async context => {
      const own = await startTestApp(subject)
      context.after(() => own.close())
      const said: string[] = []
      context.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0)
      // It listens here only: what Fastify tells of its addresses is what the guard goes by.
      const addresses = [{ address: '0.0.0.0', family: 'IPv4', port: 1 }]
      Object.defineProperty(own.app, 'addresses', { value: () => addresses })
      await own.app.listen({ host: 'localhost', port: 0 })
      await until('it is closed', () => !own.app.server.listening)
      process.exitCode = 0
      assert.match(said.join(''), /other machines can reach/)
    })
  })

describe('the clock of a test', () => {
  let t: TestApp
  before(async () => {
    t = await startTestApp({ application: reports, settings: { ACCESS_TOKEN_TTL: '1m' } })
  })
  after(() => t.close())

  test('stands still, and ends an access token at its time and not before', async () => {
    const ann = await signedInAs(t, anyRoles)
    const start = t.clock.now()
    t.clock.advance(minute - 1)
    assert.equal((await ann.inject('/hello')).statusCode, 200)
    assert.deepEqual([t.clock.now(), t.clock.monotonic()], [start + minute - 1, start + minute - 1])
    t.clock.advance(1)
    assert.equal((await ann.inject('/hello')).json().code, 'token_expired')
    const payload = { refresh_token: ann.refreshToken }
    assert.equal((await t.app.inject({ method: 'POST', url: '/auth/refresh', payload })).statusCode, 200)
  })

  for (const step of [Number.NaN, Number.POSITIVE_INFINITY, undefined, '60000'])
    test(`does not move by ${step}`, () => {
      const before = t.clock.now()
      assert.throws(() => t.clock.advance(step as number), TypeError)
      assert.equal(t.clock.now(), before)
    })

  test('can not be moved over HTTP, and no route is there that production does not have', async context => {
    const plain = await startOnAnySettings()
    context.after(plain.close)
    const log = pino({ level: 'silent' })
    const production = await createApp({ engine: plain.engine, log, mount: '/auth' })
    const own = await startTestApp({ application: { plugin: async () => {} } })
    context.after(own.close)
    const list = ({ app }: Pick<TestApp, 'app'>) =>
      app.routeTable.routes.map(({ method, url }) => `${method} ${url}`)
    assert.ok(list(own).length > 0)
    assert.deepEqual(list(own), list(production))
  })
})

describe('a signed-in client', () => {
  let t: TestApp
  let ann: SignedIn
  before(async () => {
    t = await startTestApp({ application: reports })
  })
  after(() => t.close())
  beforeEach(async () => {
    ann = await signedInAs(t, { roles: ['analyst'] })
  })

  const isIn = async ({ inject }: Pick<SignedIn, 'inject'>): Promise<boolean> =>
    (await inject('/hello')).statusCode === 200

  test('with a cookie reads and writes as a page of the own origin, and never without its CSRF token', async () => {
    const tab = await signedInAs(t, { ...anyRoles, holding: 'cookie' })
    const post = (headers: Readonly<Record<string, string>> = {}) =>
      tab.inject({ method: 'POST', url: '/hello', headers })
    assert.ok(await isIn(tab))
    assert.equal((await post()).statusCode, 200)
    for (const headers of [{ 'x-csrf-token': '' }, { origin: 'https://evil.example' }])
      assert.equal((await post(headers)).json().code, 'csrf_failed')
    assert.equal((await t.app.inject({ url: '/hello', headers: { cookie: 'gw_session=x' } })).statusCode, 401)
    assert.ok(tab.headers.cookie === tab.cookie && tab.headers['x-csrf-token'] === tab.csrfToken)
  })

  test('that signs out is out at once, and the other devices of its user are not', async () => {
    const other = await ann.signInAgain({ holding: 'cookie', device: 'phone' })
    await ann.signOut()
    assert.equal((await ann.inject('/hello')).json().code, 'session_ended')
    assert.ok(await isIn(other))
    const { sessions } = (await other.inject('/auth/sessions')).json()
    assert.deepEqual(
      sessions.map(({ device }: { device: string }) => device),
      ['phone'],
    )
  })

  test('whose user is disabled is out on every device, and signs in nowhere until enabled again', async () => {
    const other = await ann.signInAgain()
    await ann.disable()
    for (const client of [ann, other]) assert.equal((await client.inject('/hello')).statusCode, 401)
    await assert.rejects(ann.signInAgain(), { code: 'invalid_credentials' })
    await ann.enable()
    assert.ok(!(await isIn(ann)), 'what was ended stays ended')
    assert.ok(await isIn(await ann.signInAgain()))
  })

  test('loses a role with the token that it has', async () => {
    assert.equal((await ann.inject('/reports')).statusCode, 200)
    await ann.changeRoles(['user'])
    assert.equal((await ann.inject('/reports')).statusCode, 403)
  })

  test('leaves the audit events of a sign-in', async () => {
    const rows = await t.app.gatewright.db
      .selectFrom('audit_events')
      .select('event')
      .where('user_id', '=', ann.user.id)
      .orderBy('id')
      .execute()
    assert.deepEqual(
      rows.map(({ event }) => event),
      ['user.created', 'session.started'],
    )
  })

  test('has the fields that were given, and the name', async () => {
    const cleo = await signedInAs(t, { ...anyRoles, username: 'cleo', fields: { plan: 'gold' } })
    const { username, fields } = (await cleo.inject('/auth/me')).json()
    assert.deepEqual([username, fields], ['cleo', { plan: 'gold' }])
  })

  test('costs no hash of a password', async () => {
    const before = t.app.gatewright.hasher.count()
    await Promise.all(Array.from({ length: 100 }, () => signedInAs(t, anyRoles)))
    assert.equal(t.app.gatewright.hasher.count(), before)
  })

  test('sends the token where the settings say that it stands', async context => {
    const settings = { TOKEN_HEADER: 'X-Token', TOKEN_SCHEME: 'Token' }
    const own = await startTestApp({ application: reports, settings })
    context.after(own.close)
    const ben = await signedInAs(own, anyRoles)
    assert.ok(await isIn(ben))
    const headers = { authorization: `Bearer ${ben.accessToken}` }
    assert.equal((await own.app.inject({ url: '/hello', headers })).statusCode, 401)
  })

  const refusedUsers = [
    ['a role that nobody declared', { roles: ['analist'] }, { code: 'validation_failed' }],
    ['a field that nobody declared', { roles: [], fields: { plam: 1 } }, { code: 'validation_failed' }],
    ['a field of another form', { roles: [], fields: { plan: 1 } }, { code: 'validation_failed' }],
    ['what is no username', { roles: [], username: 'a@b' }, { name: 'TypeError' }],
  ] as const
  for (const [what, options, error] of refusedUsers)
    test(`is not made with ${what}`, async () => {
      await assert.rejects(signedInAs(t, options), error)
    })

  test('is not made with a name that somebody has', async () => {
    await assert.rejects(signedInAs(t, { roles: [], username: ann.user.username }), {
      code: 'username_taken',
    })
  })

  test('is made for no application that the kit has not started', async context => {
    const production = await startOnAnySettings()
    context.after(production.close)
    for (const other of [{ ...t }, { ...t, app: production.app }, production])
      await assert.rejects(signedInAs(other as unknown as TestApp, anyRoles), TypeError)
  })

  test('who is the last administrator can not be disabled, nor lose the role', async () => {
    const admin = await signedInAs(t, { roles: ['admin'] })
    await assert.rejects(admin.disable(), { code: 'last_administrator' })
    await assert.rejects(admin.changeRoles(['user']), { code: 'last_administrator' })
  })
})

describe('what an application sends', () => {
  let t: TestApp
  beforeEach(async () => {
    done.isBroken = false
    t = await startTestApp({ application: reports })
  })
  const names = async () => (await t.deliverHooks()).map(({ name, userId }) => `${name} ${userId}`)

  test('to its hooks is there once it was waited for, in order, and nothing twice', async () => {
    assert.deepEqual(await names(), [])
    const { user, changeRoles } = await signedInAs(t, anyRoles)
    await changeRoles(['analyst'])
    const expected = [`registered ${user.id}`, `role-changed ${user.id}`]
    assert.deepEqual(await names(), expected)
    assert.equal(done.users.at(-1), user.id)
    assert.deepEqual(await names(), expected)
    await t.close()
  })

  test('to a hook that fails is not delivered, and is again once the clock has moved', async () => {
    done.isBroken = true
    const { user } = await signedInAs(t, anyRoles)
    assert.deepEqual(await names(), [])
    done.isBroken = false
    assert.deepEqual(await names(), [], 'not before its pause is over')
    assert.equal(t.logLines.filter(line => line.includes('not today')).length, 1)
    t.clock.advance(minute)
    assert.deepEqual(await names(), [`registered ${user.id}`])
    await t.close()
  })

  test('as the link of the first administrator works once, replaces the former one, and stands in no answer', async () => {
    const former = (await t.openSetupLink())?.split('#')[1]
    const address = await t.openSetupLink()
    const token = address?.split('#')[1] ?? assert.fail()
    assert.equal(address, `http://localhost:3000/console/setup#${token}`)
    const setUp = (shown = '') =>
      t.app.inject({
        method: 'POST',
        url: '/auth/setup',
        payload: { token: shown, username: 'alice', password: 'correct horse battery staple' },
      })
    for (const url of ['/', '/console/setup', '/auth/setup', '/readyz', '/docs'])
      assert.ok(!(await t.app.inject(url)).payload.includes(token))
    assert.equal((await setUp(former)).json().code, 'invalid_link')
    assert.equal((await setUp(token)).statusCode, 201)
    assert.equal((await setUp(token)).json().code, 'invalid_link')
    assert.equal(await t.openSetupLink(), undefined)
    assert.ok(!t.logLines.some(line => line.includes(token)))
    await t.close()
  })
})

test('nobody is signed in by a credential that CREDENTIALS leaves out', async context => {
  const t = await startTestApp({ application: reports, settings: { CREDENTIALS: 'cookie' } })
  context.after(() => t.close())
  await assert.rejects(signedInAs(t, anyRoles), /CREDENTIALS leaves out bearer/)
  const tab = await signedInAs(t, { ...anyRoles, holding: 'cookie' })
  assert.equal((await tab.inject('/hello')).statusCode, 200)
  await assert.rejects(tab.signInAgain(), /CREDENTIALS leaves out bearer/)
})

test('a user with an authenticator app signs in with both halves, each code once, at the time of the test', async context => {
  const t = await startTestApp(kinds.build)
  context.after(() => t.close())
  const ann = await signedInAs(t, anyRoles)
  const app = await addTotp(t, ann.user)
  const send = (url: string, payload: object) =>
    t.app.inject({ method: 'POST', url: `/auth/${url}`, payload })
  const begin = async () =>
    (await send('login', { username: ann.user.username, password: ann.password })).json().mfa_token
  const show = async (code: string, method = 'totp') =>
    send('login/mfa', { mfa_token: await begin(), method, code })
  const code = await app.code()
  assert.equal((await show(code)).statusCode, 200)
  assert.equal((await show(code)).json().code, 'invalid_mfa_code')
  assert.equal((await show(await app.code())).statusCode, 200)
  t.clock.advance(10 * minute)
  assert.equal((await show(code)).json().code, 'invalid_mfa_code')
  assert.equal((await show(await app.code())).statusCode, 200)
  assert.equal((await show(app.recoveryCodes[0] ?? '', 'recovery_code')).statusCode, 200)
})

test('two test apps at once know nothing of each other, and each closes its own', async context => {
  const [one, two] = await Promise.all([startTestApp(kinds.build), startTestApp(kinds.build)])
  context.after(two.close)
  const folders = [one, two].map(({ app }) =>
    dirname(app.gatewright.settings.databaseUrl.slice('sqlite:'.length)),
  )
  const ann = await signedInAs(one, { roles: ['user'], username: 'ann' })
  assert.equal((await two.app.inject({ url: '/hello', headers: ann.headers })).json().code, 'invalid_token')
  await signedInAs(two, { roles: ['user'], username: 'ann' })
  one.clock.advance(minute)
  assert.notEqual(one.clock.now(), two.clock.now())
  await one.close()
  assert.deepEqual(folders.map(existsSync), [false, true])
  await assert.rejects(one.app.gatewright.db.selectFrom('users').selectAll().execute())
})
