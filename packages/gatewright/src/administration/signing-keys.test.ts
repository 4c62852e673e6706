import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Caller, signUp, startTestApp, type TestApp } from '../../../../test/harness.ts'
import { until } from '../../../../test/process/until.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { commandLineOrigin as origin } from '../audit/record.ts'
import { minute } from '../ground/clock.ts'
import { oldestView, publishedAhead } from '../keys/ring-plan.ts'
import { revokeKey, rotateKeys } from './signing-keys.ts'

/** mechanisms.md: p99 100 ms between processes on SQLite. A loaded test machine gets ten times that. */
const longest = 1_000

let t: TestApp
let second: SecondConnection
let node: TestApp
let ann: Caller
beforeEach(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
  node = await startTestApp({ ...t.engine.settings })
  ann = await signUp(t, 'ann')
})
afterEach(async () => {
  second.close()
  await node.close()
  await t.close()
})

const kidIn = (state: string): string => {
  const row = second.row('select kid from signing_keys where state = ?', state)
  return String(row?.kid ?? assert.fail(`no key is ${state}`))
}
const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
const openAt = (on: TestApp, token: string) => on.call('GET', 'protected', { token })
const refreshAt = (on: TestApp, { refresh }: Caller) =>
  on.call('POST', 'refresh', { body: { refresh_token: refresh } })
const advance = (milliseconds: number): void => {
  for (const on of [t, node]) on.clock.advance(milliseconds)
}

describe('revoking the key that signs', () => {
  test('ends its tokens here at once and elsewhere within the bound, also those seen before', async () => {
    const kid = kidIn('active')
    for (const on of [t, node]) assert.equal((await openAt(on, ann.access)).status, 200)
    assert.equal(await revokeKey(t.engine, { kid, origin }), true)
    const refused = await openAt(t, ann.access)
    assert.deepEqual([refused.status, refused.body.code], [401, 'invalid_token'])
    assert.match(String(refused.headers['www-authenticate']), /^Bearer .*error="invalid_token"/)
    await until('the other refuses', async () => (await openAt(node, ann.access)).status === 401, longest)
    assert.equal((await openAt(node, ann.access)).body.code, 'invalid_token')
  })

  test('leaves no token of it in memory', async () => {
    const kid = kidIn('active')
    await openAt(node, ann.access)
    await revokeKey(t.engine, { kid, origin })
    await until('the other has dropped it', () => node.engine.keyRing.find(kid) === undefined, longest)
    // Without the cut-off, which has its time, there is nothing that remembers the token.
    for (const on of [t, node])
      await assert.rejects(async () => on.engine.accessTokens.verify(ann.access), { code: 'invalid_token' })
  })

  test('keeps sessions: a refresh gives a token of the key that signs now, which is good everywhere', async () => {
    const next = kidIn('published')
    await revokeKey(t.engine, { kid: kidIn('active'), origin })
    const { status, body } = await refreshAt(t, ann)
    assert.deepEqual([status, kidOf(body.access_token)], [200, next])
    for (const on of [t, node]) assert.equal((await openAt(on, body.access_token)).status, 200)
  })

  test('keeps sessions that a cookie holds, which rest on no key', async () => {
    const headers = { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }
    const signedIn = await t.call('POST', 'sessions', {
      body: { username: 'ann', password: 'correct horse battery staple' },
      headers,
    })
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0] ?? ''
    await revokeKey(t.engine, { kid: kidIn('active'), origin })
    assert.equal((await t.call('GET', 'protected', { headers: { cookie } })).status, 200)
  })

  test('twice in a row: what the youngest key signs is good where nobody has heard of it', async () => {
    // Not even the feed tells it.
    node.engine.revocations.stop()
    await node.engine.keyRing.stop()
    for (let lost = 0; lost < 2; lost += 1) await revokeKey(t.engine, { kid: kidIn('active'), origin })
    const { body } = await refreshAt(t, ann)
    assert.equal(kidOf(body.access_token), kidIn('active'))
    assert.equal((await openAt(node, body.access_token)).status, 200)
  })

  test('has the next key sign, and publishes another, in the same transaction', async () => {
    const [active, next] = [kidIn('active'), kidIn('published')]
    await second.run('alter table cut_offs rename to away')
    await assert.rejects(revokeKey(t.engine, { kid: active, origin }))
    await second.run('alter table away rename to cut_offs')
    assert.deepEqual([kidIn('active'), kidIn('published')], [active, next], 'nothing of it was kept')
    assert.equal((await openAt(t, ann.access)).status, 200)
    await revokeKey(t.engine, { kid: active, origin })
    assert.equal(kidIn('active'), next)
    assert.notEqual(kidIn('published'), next)
  })

  test('matters until the last token that anybody may still sign with it is over, and a minute more', async () => {
    const kid = kidIn('active')
    await revokeKey(t.engine, { kid, origin })
    const row = second.row("select * from cut_offs where kind = 'signing-key'")
    assert.deepEqual(
      [row?.subject, Number(row?.matters_until)],
      [kid, t.clock.now() + oldestView + t.engine.settings.accessTokenTtl + minute],
    )
  })

  test('a process that starts later refuses its tokens as well', async () => {
    await revokeKey(t.engine, { kid: kidIn('active'), origin })
    const late = await startTestApp({ ...t.engine.settings })
    assert.equal((await openAt(late, ann.access)).body.code, 'invalid_token')
    await late.close()
  })

  test('a process that can not read the feed does not take its tokens past the bound', async () => {
    await openAt(node, ann.access)
    node.engine.revocations.stop()
    await node.engine.keyRing.stop()
    await revokeKey(t.engine, { kid: kidIn('active'), origin })
    node.clock.advance(node.engine.settings.revocationMaxAge + 1)
    assert.equal((await openAt(node, ann.access)).status, 401)
  })
})

describe('revoking', () => {
  test('a retired key ends its tokens, and changes nothing of what signs', async () => {
    const kid = kidIn('active')
    await rotateKeys(t.engine, origin)
    const [active, next] = [kidIn('active'), kidIn('published')]
    assert.equal((await openAt(t, ann.access)).status, 200)
    await revokeKey(t.engine, { kid, origin })
    assert.equal((await openAt(t, ann.access)).status, 401)
    assert.deepEqual([kidIn('active'), kidIn('published')], [active, next])
  })

  test('the next key puts another in its place', async () => {
    const [active, kid] = [kidIn('active'), kidIn('published')]
    await revokeKey(t.engine, { kid, origin })
    assert.equal(kidIn('active'), active)
    assert.notEqual(kidIn('published'), kid)
    assert.equal((await openAt(t, ann.access)).status, 200)
  })

  test('a key that is gone changes nothing, and one that never was is refused', async () => {
    const kid = kidIn('active')
    await revokeKey(t.engine, { kid, origin })
    const before = second.rows('select * from signing_keys order by kid')
    assert.equal(await revokeKey(t.engine, { kid, origin }), false)
    await assert.rejects(revokeKey(t.engine, { kid: 'A'.repeat(22), origin }), { code: 'not_found' })
    assert.deepEqual(second.rows('select * from signing_keys order by kid'), before)
  })
})

describe('rotating', () => {
  test('has new tokens signed by the next key, and those of before are good everywhere', async () => {
    const next = kidIn('published')
    assert.deepEqual(await rotateKeys(t.engine, origin), { kid: next, waitsUntil: undefined })
    advance(minute + 1)
    const { body } = await refreshAt(node, ann)
    assert.equal(kidOf(body.access_token), next)
    for (const on of [t, node])
      for (const token of [ann.access, body.access_token]) assert.equal((await openAt(on, token)).status, 200)
  })

  test('is done by a running process later, where the next key is too young', async () => {
    advance(1)
    await rotateKeys(t.engine, origin)
    const { kid, waitsUntil } = await rotateKeys(t.engine, origin)
    assert.ok(waitsUntil !== undefined)
    const young = kidIn('published')
    assert.notEqual(kid, young)
    advance(publishedAhead)
    await until('a process has rotated', () => kidIn('active') === young)
  })
})
