import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { signedIn } from 'gatewright/access'
import type { Application } from 'gatewright/app'
import { day, hour, minute } from 'gatewright/clock'
import { signedInAs, startTestApp } from 'gatewright/testing'
import { sha256 } from '../../packages/gatewright/src/ground/encoding.ts'
import type { RouteLimit } from '../../packages/gatewright/src/limits/own-limit.ts'
import { addTestUser } from '../../packages/gatewright/src/testing/test-user.ts'
import { testsDatabase } from '../environment.ts'
import { password, startTestApp as startBlog } from '../harness.ts'

const rows = [{ by: 'user', count: 2, window: hour, kind: 'exact', away: 1, describe: 'Dear.' }] as const
const own = { name: 'reports', rows } as const

const appWith = (...limits: readonly RouteLimit[]): Application => ({
  plugin: async app => {
    for (const [n, limit] of limits.entries()) {
      const gate = { access: signedIn(), limit, audit: 'none' } as const
      app.get(`/reports-${n}`, { config: { gate } }, async () => ({ n }))
    }
  },
})
const { server: postgres } = testsDatabase
const open = (application: Application, settings: Record<string, string> = {}) =>
  startTestApp({
    application,
    settings: { LIMITS_SCALE: '1', ...settings },
    ...(postgres && testsDatabase.kind === 'postgres' && { postgres }),
  })

describe('a limit of a route', () => {
  test('is counted over all routes that declare it, told in the answer, and overridden by its name', async t => {
    const opened = await open(appWith(own, { name: 'reports', rows: [{ ...rows[0] }] }), {
      LIMITS_OVERRIDE: 'reports-user-hour=3',
    })
    t.after(() => opened.close())
    const ann = await signedInAs(opened, { roles: ['user'] })
    const answers = []
    for (const n of [0, 1, 0, 1]) answers.push(await ann.inject(`/reports-${n}`))
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 200, 429],
    )
    assert.equal(answers[0]?.headers['ratelimit-policy'], '"reports-user-hour";q=3;w=3600')
    assert.equal(answers[3]?.headers['retry-after'], '1200')
    const bob = await signedInAs(opened, { roles: ['user'] })
    assert.equal((await bob.inject('/reports-0')).statusCode, 200)
  })

  const refused: readonly [string, RegExp, Application, Record<string, string>?][] = [
    [
      'of a name that another route gives another meaning',
      /two routes declare different limits named reports/,
      appWith(own, { name: 'reports', rows: [{ ...rows[0], count: 5 }] }),
    ],
    ["by the name of one of Gatewright's", /the limit read is one of/, appWith({ ...own, name: 'read' })],
    ['that is no limit', /there is no limit reed/, appWith('reed' as 'read')],
    [
      'that is overridden by another name',
      /LIMITS_OVERRIDE names reports-user, which is no limit: write one of .*reports-user-hour/,
      appWith(own),
      { LIMITS_OVERRIDE: 'reports-user=3' },
    ],
  ]
  for (const [what, why, application, settings] of refused)
    test(`${what} stops the start`, () => assert.rejects(open(application, settings), why))
})

test('a clock that was a day ahead and was set right keeps nobody out, and from there guesses are limited again', async t => {
  const blog = await startBlog({ limitsScale: 1 })
  t.after(blog.close)
  await addTestUser(blog.engine, { username: 'ann', roles: ['user'] })
  const signIn = (typed: string) => blog.call('POST', 'login', { body: { username: 'ann', password: typed } })
  const statuses = async (count: number): Promise<readonly number[]> => {
    const found: number[] = []
    for (let n = 0; n < count; n += 1) found.push((await signIn('not the password of ann')).status)
    return found
  }
  blog.clock.advance(day)
  assert.deepEqual(await statuses(6), [401, 401, 401, 401, 401, 429])
  blog.clock.advance(minute)
  await statuses(5)
  blog.clock.advance(minute / 2)
  assert.equal((await signIn(password)).status, 401)
  blog.clock.advance(-day - 1.5 * minute)

  const { status, body } = await signIn(password)
  assert.equal(status, 200)
  const me = await blog.call('GET', 'me', { token: body.access_token })
  assert.deepEqual([me.status, me.body.sign_in_delayed_until], [200, null])
  assert.deepEqual(await statuses(5), [401, 401, 401, 401, 429])
})

test('a stored counter names nobody: not the user name, not the address, not as a plain hash', async t => {
  const { engine, call, close } = await startBlog({ limitsScale: 1 })
  t.after(close)
  await call('POST', 'login', { body: { username: 'ann', password: 'not the password of ann' } })
  const counters = await engine.db.selectFrom('limit_counters').select('key').execute()
  assert.ok(counters.length >= 2)
  const guesses = ['ann', '127.0.0.1', '127.0.0.1 ann'].flatMap(who => [
    ...['', 'sign-in-address ', 'sign-in-address-username '].map(policy => sha256(policy + who)),
    who,
  ])
  for (const { key } of counters) {
    assert.match(key, /^[\w-]{43}$/)
    assert.ok(!guesses.includes(key))
  }
})

describe('whoever is refused', () => {
  const open = async (owner: TestContext) => {
    const t = await startBlog({ limitsScale: 1 })
    owner.after(() => t.close())
    const slept: number[] = []
    const sleep = async (milliseconds: number): Promise<void> => void slept.push(milliseconds)
    Object.assign(t.app.gate, { clock: { ...t.clock, sleep } })
    return { t, slept }
  }

  test('by an exact limit hears so 250 ms later: who asks again at once is no flood', async owner => {
    const { t, slept } = await open(owner)
    const body = { username: 'nobody', password: 'a guess' }
    for (let n = 0; n < 5; n++) assert.equal((await t.call('POST', 'login', { body })).status, 401)
    assert.deepEqual(slept, [])
    assert.equal((await t.call('POST', 'login', { body })).status, 429)
    assert.deepEqual(slept, [250])
  })

  test('by a fast limit hears so at once', async owner => {
    const { t, slept } = await open(owner)
    for (let n = 0; n < 300; n++) await t.call('GET', 'posts')
    assert.equal((await t.call('GET', 'posts')).status, 429)
    assert.deepEqual(slept, [])
  })
})

describe('flood: whoever goes on at a name that is refused', () => {
  const body = { username: 'nobody', password: 'a guess' }
  const open = async (owner: TestContext) => {
    const t = await startBlog({ limitsScale: 1 })
    owner.after(() => t.close())
    return t
  }
  const leftOf = (policy: string, { headers }: { readonly headers: object }): number =>
    Number(
      new RegExp(`"${policy}";r=(\\d+)`).exec(String((headers as Record<string, unknown>).ratelimit))?.[1],
    )

  test('uses up the address as well, and is told so', async owner => {
    const t = await open(owner)
    const left: number[] = []
    for (let n = 0; n < 30; n++) left.push(leftOf('sign-in-address', await t.call('POST', 'login', { body })))
    assert.deepEqual(
      left,
      Array.from({ length: 30 }, (_, n) => 29 - n),
    )
  })

  test('is then refused before the body is read, at whatever name', async owner => {
    const t = await open(owner)
    const post = (payload: string) =>
      t.app.inject({
        method: 'POST',
        url: '/api/v1/login',
        headers: { 'content-type': 'application/json' },
        payload,
      })
    assert.equal((await post('{')).statusCode, 400)
    for (let n = 0; n < 29; n++) await t.call('POST', 'login', { body })
    assert.equal((await post('{')).statusCode, 429)
    assert.equal((await t.call('POST', 'login', { body: { ...body, username: 'another' } })).status, 429)
  })
})
