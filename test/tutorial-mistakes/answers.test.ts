import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { disableUser } from 'gatewright/administration'
import { createApp } from 'gatewright/app'
import { settingRows } from 'gatewright/settings'
import { pino } from 'pino'
import { loadSettings } from '../../packages/gatewright/src/ground/load-settings.ts'
import { everyone } from '../../packages/gatewright/src/permissions/access-rule.ts'
import { top } from '../../tools/top.ts'
import { type Answer, password, signUp, startTestApp, type TestApp } from '../harness.ts'

const origin = { actor: 'system', address: null, requestId: null }

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

/** What a caller can compare: all but what is new with every request. */
const seen = ({ status, body, headers }: Answer) => {
  const { 'x-request-id': _id, date: _date, ratelimit: _limit, ...others } = headers
  return { status, body: { ...body, request_id: '' }, others }
}

const canary = 'no such table: salaries at /srv/app/models.py line 42'

/** What the server answers, and what it logs, when a handler throws something with text in it. */
const breakIn = async (nodeEnv: 'development' | 'test' | 'production') => {
  const app = await startTestApp({ nodeEnv })
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: line => void lines.push(line) })
  const gate = { access: everyone(), limit: 'read', audit: 'none' } as const
  const plugin = async (scope: typeof app.app): Promise<void> => {
    scope.get('/broken', { config: { gate } }, () => {
      throw Object.assign(new Error(canary), { statusCode: 418, sql: canary, cause: canary })
    })
  }
  const broken = await createApp({ engine: app.engine, log, mount: '/auth', application: { plugin } })
  const { statusCode, payload } = await broken.app.inject('/broken?debug=1&__debugger__=yes')
  await broken.app.close()
  await app.close()
  return { statusCode, body: { ...JSON.parse(payload), request_id: '' }, log: lines.join('') }
}

describe('what an unexpected error says', () => {
  test('is in the log and never in the answer', async () => {
    const { statusCode, body, log } = await breakIn('production')
    assert.deepEqual([statusCode, body.code], [500, 'internal_error'])
    for (const word of ['salaries', 'models.py', 'answers.test', 'node_modules', 'Error:'])
      assert.equal(JSON.stringify(body).includes(word), false, word)
    assert.ok(log.includes('salaries'))
  })

  test('is told no more in development than in production', async () => {
    const production = await breakIn('production')
    for (const nodeEnv of ['development', 'test'] as const)
      assert.deepEqual((await breakIn(nodeEnv)).body, production.body, nodeEnv)
  })

  test('is not told when the database fails either', async () => {
    const app = await startTestApp()
    const alice = await signUp(app, 'alice')
    await app.engine.db.schema.dropTable('posts').execute()
    const answers = [await app.call('GET', 'posts'), await app.call('GET', 'posts', { token: alice.access })]
    for (const { status, body } of answers) {
      assert.equal(status, 500)
      // The id of the request may hold any letters.
      assert.doesNotMatch(JSON.stringify({ ...body, request_id: '' }), /posts|table|sql|select/i)
    }
    await app.close()
  })
})

test('no setting and no script turns a debugger on', () => {
  for (const { name } of settingRows) assert.doesNotMatch(name, /debug|inspect|reload|profile/i)
  assert.throws(() => loadSettings({ env: { GATEWRIGHT_DEBUG: '1' }, folder: import.meta.dirname }))
  const { scripts } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'))
  for (const [name, script] of Object.entries<string>(scripts))
    assert.doesNotMatch(script, /--(inspect|watch|debug)/, name)
})

test('unknown user, wrong password and disabled user get one and the same answer at one and the same price', async () => {
  const mallory = await signUp(t, 'mallory')
  await signUp(t, 'alice')
  await disableUser(t.engine, { userId: mallory.id, origin })
  const attempts = [
    { username: 'nobody', password },
    { username: 'alice', password: 'wrong' },
    { username: 'mallory', password },
    { username: 'mallory', password: 'wrong' },
    { username: 'nobody@example.org', password },
  ]
  const outcomes = []
  for (const body of attempts) {
    const hashes = t.engine.hasher.count()
    const answer = seen(await t.call('POST', 'login', { body }))
    outcomes.push({ ...answer, hashes: t.engine.hasher.count() - hashes })
  }
  assert.equal(outcomes[0]?.body.code, 'invalid_credentials')
  assert.equal(outcomes[0]?.hashes, 1)
  for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0])
})

test('no log line holds a password, a token or a query', async () => {
  const app = await startTestApp()
  const alice = await signUp(app, 'alice')
  const wrong = 'wrong password of alice'
  await app.call('POST', 'login', { body: { username: 'alice', password: wrong } })
  await app.call('POST', 'login', { body: { username: wrong, password: { [wrong]: wrong } } })
  await app.call('GET', `protected?token=${alice.access}`, { token: alice.access })
  await app.call('GET', 'me', { token: `${alice.access}x` })
  await app.call('GET', 'me', { headers: { 'x-api-key': alice.refresh, cookie: `session=${alice.refresh}` } })
  await app.call('POST', 'refresh', { body: { refresh_token: alice.refresh } })
  await app.call('POST', 'step-up', { token: alice.access, body: { password } })
  await app.call('POST', 'logout', { token: alice.access })
  const log = app.logLines.join('')
  assert.ok(app.logLines.length >= 9, 'every request has its line')
  for (const secret of [password, wrong, alice.access, alice.access.slice(-40), alice.refresh])
    assert.equal(log.includes(secret), false, secret)
  await app.close()
})

test('an answer about a user holds no hash and no password', async () => {
  const app = await startTestApp()
  const { access, id } = await signUp(app, 'alice', ['admin'])
  const registered = await app.call('POST', 'register', { body: { username: 'bob', password } })
  const answers = [registered]
  for (const path of ['me', 'protected', 'users', `users/${id}`, 'sessions'])
    answers.push(await app.call('GET', path, { token: access }))
  for (const { status, text } of answers) {
    assert.ok(status < 300, text)
    // Ids may hold any letters: what counts is the names of fields, and how a hash begins.
    assert.doesNotMatch(text, /"\w*(hash|password|refresh_key|version)\w*":|\$argon2/i)
    assert.ok(!text.includes(password))
  }
  await app.close()
})

test('no website may read an answer unless it is listed', async () => {
  const listed = 'https://app.example.org'
  const app = await startTestApp({ corsOrigins: [listed] })
  const allowedTo = async (from: string) =>
    (await app.call('GET', 'posts', { headers: { origin: from } })).headers['access-control-allow-origin']
  assert.equal(await allowedTo(listed), listed)
  for (const from of [
    'https://evil.example',
    'null',
    `${listed}.evil.example`,
    'http://app.example.org',
    '*',
  ])
    assert.equal(await allowedTo(from), undefined, from)
  assert.throws(() => loadSettings({ env: { CORS_ORIGINS: '*' }, folder: import.meta.dirname }))
  await app.close()
})
