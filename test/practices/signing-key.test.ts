import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { real, signUp, startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const findKey = () =>
  t.engine.db.selectFrom('signing_keys').selectAll().where('state', '=', 'active').executeTakeFirstOrThrow()

test('the private half of the signing key is sealed in the database', async () => {
  const { kid, private_key, public_key } = await findKey()
  const { engine } = t
  assert.doesNotMatch(private_key, /[{"]/)
  const jwk = JSON.parse(engine.secrets.open('signing-key', kid, private_key).toString())
  assert.equal(public_key.includes(jwk.d), false)
  assert.equal(private_key.includes(jwk.d), false)

  const strangers = createSecrets([Buffer.alloc(32, 1).toString('base64url')], real.random)
  assert.throws(() => strangers.open('signing-key', kid, private_key), /does not hold/)
  assert.throws(() => engine.secrets.open('signing-key', 'another key', private_key))
  assert.throws(() => engine.secrets.open('refresh-token', kid, private_key))
})

test('access tokens are signed with a key pair and not with a shared secret', async () => {
  const { access } = await signUp(t, 'alice')
  const header = JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString())
  const { kid, algorithm } = await findKey()
  assert.deepEqual(header, { alg: 'ES256', typ: 'at+jwt', kid })
  assert.equal(algorithm, 'ES256')
})
