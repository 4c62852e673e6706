import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { compactVerify, createLocalJWKSet } from 'jose'
import { signUp, startTestApp, type TestApp } from '../../../../../test/harness.ts'
import { revokeKey } from '../../administration/signing-keys.ts'
import { changeRoles } from '../../administration/users.ts'
import { systemOrigin as origin } from '../../audit/record.ts'
import { minute } from '../../ground/clock.ts'
import { sha256 } from '../../ground/encoding.ts'

const nonce = 'aNonceOfTheVerifier_22'
const metadata = '/.well-known/oauth-authorization-server'

let t: TestApp
beforeEach(async () => {
  t = await startTestApp()
})
afterEach(() => t.close())

const ask = (query = '') => t.call('GET', `revocations?nonce=${nonce}${query}`)

const readStatement = async (query = '') => {
  const { body } = await ask(query)
  const keys = createLocalJWKSet((await t.call('GET', '/.well-known/jwks.json')).body)
  const { protectedHeader, payload } = await compactVerify(body.statement, keys)
  return {
    header: protectedHeader,
    claims: JSON.parse(Buffer.from(payload).toString()),
    text: body.statement,
  }
}

test('a statement says what it is, whose, for whom, of which request and how old', async () => {
  const { header, claims } = await readStatement()
  const { kid, ...rest } = header
  assert.deepEqual(rest, { alg: 'ES256', typ: 'gatewright-revocations+jwt' })
  const { place, epoch, ...told } = claims
  assert.ok(kid && place && epoch)
  assert.deepEqual(told, {
    iss: 'http://localhost:3000',
    aud: 'gatewright-verifier',
    iat: Math.floor(t.clock.now() / 1_000),
    nonce,
    after: '',
    last: true,
    entries: [],
    age: 0,
  })
})

test('entries name nobody: who does not know an id learns none', async () => {
  const caller = await signUp(t, 'alice')
  await changeRoles(t.engine, { userId: caller.id, roles: ['moderator'], origin })
  const { sid } = JSON.parse(Buffer.from(caller.access.split('.')[1] ?? '', 'base64url').toString())
  const [sessionId = ''] = sid.split('.')
  await t.call('POST', 'logout', { token: caller.access })
  const { claims } = await readStatement()
  const [promised, until] = [t.clock.now() / 1_000 + 600, t.clock.now() / 1_000 + 660]
  assert.deepEqual(claims.entries, [
    ['reread-user', sha256(`reread-user ${caller.id}`), until, promised],
    ['session', sha256(`session ${sessionId}`), until],
  ])
  const whole = JSON.stringify(claims)
  for (const secret of [caller.id, sessionId, 'alice']) assert.ok(!whole.includes(secret))
})

test('an access token is no statement and a statement no access token: each has a type and an audience', async () => {
  const { text } = await readStatement()
  const { status, body } = await t.call('GET', 'protected', { token: text })
  assert.deepEqual([status, body.code], [401, 'invalid_token'])
})

test('the age is that of the view: it grows while nothing is read', async () => {
  const { claims } = await readStatement()
  t.engine.revocations.stop()
  t.clock.advance(4_000)
  const old = await readStatement(`&after=${claims.place}`)
  assert.equal(old.claims.age, 4_000)
})

test('revoking the key that signs: its successor, which was published before, signs the statement that says so', async () => {
  const published = createLocalJWKSet((await t.call('GET', '/.well-known/jwks.json')).body)
  const { header, claims } = await readStatement()
  const { kid = '' } = header
  await revokeKey(t.engine, { kid, origin })
  await t.engine.revocations.readFromNow()
  const { body } = await ask(`&after=${claims.place}`)
  const { protectedHeader, payload } = await compactVerify(body.statement, published)
  assert.notEqual(protectedHeader.kid, kid)
  const { entries } = JSON.parse(Buffer.from(payload).toString())
  assert.deepEqual(
    entries.map((entry: unknown[]) => entry.slice(0, 2)),
    [['signing-key', sha256(`signing-key ${kid}`)]],
  )
})

describe('a request without what it needs is refused: ', () => {
  const rows: Readonly<Record<string, string>> = {
    'no nonce': '',
    'a nonce that anybody could guess': '?nonce=1',
    'a nonce with something behind it': `?nonce=${nonce}%0a`,
    'a nonce of a hundred characters': `?nonce=${'A'.repeat(100)}`,
    'two nonces': `?nonce=${nonce}&nonce=${nonce}`,
    'a wait without end': `?nonce=${nonce}&wait_ms=20001`,
    'a negative wait': `?nonce=${nonce}&wait_ms=-1`,
    'a parameter that nobody knows': `?nonce=${nonce}&since=0`,
  }
  for (const [name, query] of Object.entries(rows))
    test(name, async () => {
      const { status, body } = await t.call('GET', `revocations${query}`)
      assert.deepEqual([status, body.code], [400, 'validation_failed'])
    })
})

test('the metadata names the feed, below the mount', async () => {
  const { body } = await t.call('GET', metadata)
  assert.equal(body.revocation_feed_endpoint, 'http://localhost:3000/api/v1/revocations')
})

test('with a key that every verifier could forge with there is no feed to follow', async () => {
  const own = await startTestApp({ tokenAlgorithm: 'HS256_EVERY_VERIFIER_CAN_FORGE' })
  try {
    assert.equal((await own.call('GET', metadata)).body.revocation_feed_endpoint, undefined)
    const { status, body } = await own.call('GET', `revocations?nonce=${nonce}`)
    assert.deepEqual([status, body.code], [404, 'not_found'])
  } finally {
    await own.close()
  }
})

test('a statement is kept by no cache', async () => {
  assert.equal((await ask()).headers['cache-control'], 'no-store')
})

test('an answer that waited on purpose is no slow one in the log', async () => {
  const own = await startTestApp({ accessLog: 'notable' })
  try {
    const { body } = await own.call('GET', `revocations?nonce=${nonce}`)
    const { place } = JSON.parse(Buffer.from(body.statement.split('.')[1], 'base64url').toString())
    own.clock.advance(minute)
    const { status } = await own.call('GET', `revocations?nonce=${nonce}&after=${place}&wait_ms=1100`)
    assert.equal(status, 200)
    assert.ok(!own.logLines.some(line => line.includes('/revocations')))
  } finally {
    await own.close()
  }
})
