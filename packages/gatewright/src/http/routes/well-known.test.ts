import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { compactVerify, createLocalJWKSet } from 'jose'
import { signUp, startTestApp, type TestApp } from '../../../../../test/harness.ts'
import { openSecondConnection } from '../../../../../test/sessions/second-connection.ts'
import { revokeKey, rotateKeys } from '../../administration/signing-keys.ts'
import { systemOrigin as origin } from '../../audit/record.ts'
import { oldestShown, publishedAhead } from '../../keys/ring-plan.ts'

const keySet = '/.well-known/jwks.json'
const metadata = '/.well-known/oauth-authorization-server'

let t: TestApp
beforeEach(async () => {
  t = await startTestApp()
  await t.engine.keyRing.stop()
})
afterEach(() => t.close())

const listStates = async (): Promise<Readonly<Record<string, string>>> => {
  const rows = await t.engine.db.selectFrom('signing_keys').select(['kid', 'state']).execute()
  return Object.fromEntries(rows.map(({ kid, state }) => [kid, state]))
}
const rotate = async (): Promise<void> => {
  await rotateKeys(t.engine, origin)
  await t.engine.keyRing.turn()
}

describe('the key set', () => {
  test('has the public half of every key in use, each with its one algorithm, and nothing else', async () => {
    await rotate()
    const { body } = await t.call('GET', keySet)
    assert.deepEqual(Object.keys(body), ['keys'])
    const states = await listStates()
    const shown = body.keys.map(({ kid }: { kid: string }) => states[kid])
    assert.deepEqual(shown.sort(), ['active', 'published', 'retired'])
    for (const key of body.keys) {
      const { kid: _, x, y, ...rest } = key
      assert.deepEqual(rest, { kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
      for (const coordinate of [x, y]) assert.match(coordinate, /^[\w-]{43}$/)
    }
  })

  test('is all that a verifier elsewhere needs, before and after a rotation', async () => {
    const { access, refresh } = await signUp(t, 'alice')
    const verify = async (token: string) =>
      compactVerify(token, createLocalJWKSet((await t.call('GET', keySet)).body))
    await verify(access)
    const before = createLocalJWKSet((await t.call('GET', keySet)).body)
    await rotate()
    const { body } = await t.call('POST', 'refresh', { body: { refresh_token: refresh } })
    for (const token of [access, body.access_token]) await verify(token)
    // As a cache has it from before.
    assert.ok(await compactVerify(body.access_token, before))
  })

  test('loses a revoked key at once', async () => {
    const [kid = ''] = Object.entries(await listStates()).find(([, state]) => state === 'active') ?? []
    await revokeKey(t.engine, { kid, origin })
    const { text } = await t.call('GET', keySet)
    assert.ok(!text.includes(kid))
  })

  test('may be kept by caches for less than a key is published before it signs', async () => {
    const { headers } = await t.call('GET', keySet)
    const [, seconds] = /^public, max-age=(\d+)$/.exec(String(headers['cache-control'])) ?? []
    assert.ok(Number(seconds) > 0 && Number(seconds) * 1_000 < publishedAhead)
    const { etag } = headers
    const again = await t.call('GET', keySet, { headers: { 'if-none-match': String(etag) } })
    assert.deepEqual([again.status, again.text], [304, ''])
    await rotate()
    const changed = await t.call('GET', keySet, { headers: { 'if-none-match': String(etag) } })
    assert.equal(changed.status, 200)
    assert.notEqual(changed.headers.etag, etag)
  })

  for (const algorithm of ['EdDSA', 'RS256'] as const)
    test(`of ${algorithm} works with a verifier elsewhere`, async () => {
      const own = await startTestApp({ tokenAlgorithm: algorithm })
      const { access } = await signUp(own, 'alice')
      const { body } = await own.call('GET', keySet)
      const { protectedHeader } = await compactVerify(access, createLocalJWKSet(body))
      assert.equal(protectedHeader.alg, algorithm)
      assert.equal((await own.call('GET', 'protected', { token: access })).status, 200)
      await own.close()
    })

  test('shows no key that whoever sees it could forge with', async () => {
    const own = await startTestApp({ tokenAlgorithm: 'HS256_EVERY_VERIFIER_CAN_FORGE' })
    const { access } = await signUp(own, 'alice')
    assert.equal((await own.call('GET', 'protected', { token: access })).status, 200)
    assert.deepEqual((await own.call('GET', keySet)).body, { keys: [] })
    await own.close()
  })
})

test('a start with RS256, or with a key that every verifier can forge with, warns', async () => {
  const warningsOf = async (
    tokenAlgorithm: 'ES256' | 'EdDSA' | 'RS256' | 'HS256_EVERY_VERIFIER_CAN_FORGE',
  ) => {
    const own = await startTestApp({ tokenAlgorithm })
    const { warnings } = own.engine
    await own.close()
    return warnings.filter(line => line.startsWith('TOKEN_ALGORITHM')).join()
  }
  for (const name of ['ES256', 'EdDSA'] as const) assert.equal(await warningsOf(name), '')
  assert.match(await warningsOf('RS256'), /an exception/)
  assert.match(await warningsOf('HS256_EVERY_VERIFIER_CAN_FORGE'), /whoever can check a token can make one/)
})

test('the metadata name the issuer of tokens and its key set, and nothing that is not there', async () => {
  const { access } = await signUp(t, 'alice')
  const { iss } = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())
  const { body } = await t.call('GET', metadata)
  assert.deepEqual(body, {
    issuer: iss,
    jwks_uri: `${iss}${keySet}`,
    revocation_feed_endpoint: `${iss}/api/v1/revocations`,
  })
  assert.equal((await t.call('GET', new URL(body.jwks_uri).pathname)).status, 200)
})

describe('where the database is gone', () => {
  const statusOf = async (path: string): Promise<number> => (await t.call('GET', path)).status

  test('both answer where the database is gone', async () => {
    await t.engine.db.schema.dropTable('signing_keys').execute()
    await t.engine.db.schema.dropTable('cut_offs').execute()
    t.clock.advance(oldestShown)
    for (const path of [keySet, metadata]) assert.equal(await statusOf(path), 200)
  })

  test('revoked elsewhere: no key set is shown that is older than four minutes, until it can be read again', async () => {
    const { headers } = await t.call('GET', keySet)
    const [kid = ''] = Object.entries(await listStates()).find(([, state]) => state === 'active') ?? []
    const elsewhere = openSecondConnection(t.engine)
    await elsewhere.run(
      "update signing_keys set state = 'gone', gone_at = 1, private_key = '' where kid = ?",
      kid,
    )
    await elsewhere.run('alter table signing_keys rename to away')
    t.clock.advance(oldestShown + 1)
    for (const extra of [{}, { 'if-none-match': String(headers.etag) }]) {
      const stale = await t.call('GET', keySet, { headers: extra })
      assert.deepEqual(
        [stale.status, stale.body.code, stale.headers['retry-after']],
        [503, 'unavailable', '1'],
      )
      assert.equal(stale.headers['cache-control'], 'no-store')
    }
    assert.equal(await statusOf(metadata), 200)
    await elsewhere.run('alter table away rename to signing_keys')
    elsewhere.close()
    const { status, text } = await t.call('GET', keySet)
    assert.equal(status, 200)
    assert.ok(!text.includes(kid))
  })

  test('a cache never keeps the key set for so long that it lacks a key which signs', async () => {
    const { headers } = await t.call('GET', keySet)
    const [, seconds] = /max-age=(\d+)$/.exec(String(headers['cache-control'])) ?? []
    assert.ok(Number(seconds) * 1_000 + oldestShown < publishedAhead)
  })
})
