import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'
import { show } from '../../apps/blog/test/call.ts'
import { newRsaKey, startIssuer, toLocalKey, toToken } from './local-issuer.ts'
import { audience, type Scene, startScene } from './scene.ts'

let scene: Scene
before(async () => {
  scene = await startScene()
})
after(() => scene.close())

const ask = (token: string) => scene.t.call('GET', 'users', { token })
const verdict = async (token: string): Promise<string> => show(await ask(token))

test('an access token of a trusted issuer passes with the permissions that its own are mapped to', async () => {
  const { t, token } = scene
  assert.equal(await verdict(token()), '200')
  const { body } = await t.call('GET', 'protected', {
    token: token({ scope: 'read:users write:posts admin' }),
  })
  assert.deepEqual(body.permissions, ['posts:write', 'users:read'])
  assert.equal(body.user, null)
  assert.equal(body.session_id, null)
})

test('a permission that is not mapped is not taken, whatever its name', async () => {
  for (const scope of ['users:read', 'admin', 'constructor', 'toString', '__proto__', ''])
    assert.equal(await verdict(scene.token({ scope })), '403 insufficient_permission', scope)
  assert.equal(await verdict(scene.token({ scope: undefined })), '403 insufficient_permission')
})

const now = (): number => Math.floor(scene.t.clock.now() / 1_000)

/** Each is refused whether it is seen first or again. */
const refused: Readonly<Record<string, () => string>> = {
  'meant for another API': () => scene.token({ aud: 'https://other.example.org' }),
  'meant for an API whose name ends with ours': () =>
    scene.token({ aud: 'https://evil/https://api.example.org' }),
  'meant for several, of which we are none': () => scene.token({ aud: ['https://api.example.org/', 'b'] }),
  'meant for nobody': () => scene.token({ aud: undefined }),
  'meant for an object': () => scene.token({ aud: { a: 'https://api.example.org' } }),
  'without typ': () => scene.token({}, { typ: undefined }),
  'an ID token by its typ': () => scene.token({}, { typ: 'JWT' }),
  'an ID token by its nonce': () => scene.token({ nonce: 'n' }),
  'an ID token by its at_hash': () => scene.token({ at_hash: 'h' }),
  'a logout token': () => scene.token({ events: {} }),
  'bound to a key that is not shown (DPoP)': () => scene.token({ cnf: { jkt: 'x' } }),
  'without a subject': () => scene.token({ sub: undefined }),
  'of a subject that is a number': () => scene.token({ sub: 7 }),
  'without expiry': () => scene.token({ exp: undefined }),
  'with an expiry that is a text': () => scene.token({ exp: String(now() + 60) }),
  'with a negative expiry': () => scene.token({ exp: -1 }),
  'without iat': () => scene.token({ iat: undefined }),
  'issued in the future': () => scene.token({ iat: now() + 31, exp: now() + 90 }),
  'issued in the future, though good since a while': () =>
    scene.token({ iat: now() + 31, nbf: now() - 60, exp: now() + 90 }),
  'good only later': () => scene.token({ nbf: now() + 31 }),
  'good for longer than is taken': () => scene.token({ exp: now() + 3_601 }),
  'good for a hundred years': () => scene.token({ exp: now() + 3_000_000_000 }),
  'of permissions that are no list': () => scene.token({ scope: { a: 1 } }),
  'of a permission that is a number': () => scene.token({ scope: ['read:users', 1] }),
  'of more permissions than anybody has': () => scene.token({ scope: Array(1_001).fill('a') }),
  'meant for a list with a number in it': () => scene.token({ aud: [audience, 1] }),
  'meant for more than a hundred': () =>
    scene.token({ aud: [...Array.from({ length: 100 }, (_, n) => `a${n}`), audience] }),
  'meant for nobody in a list': () => scene.token({ aud: [] }),
  'whose audience is ours in other letters': () => scene.token({ aud: audience.toUpperCase() }),
  'of a subject that is a list': () => scene.token({ sub: ['somebody'] }),
  'of an empty subject': () => scene.token({ sub: '' }),
  'of a subject longer than there are': () => scene.token({ sub: 'x'.repeat(1_001) }),
  'of a subject with half a character': () =>
    toToken(
      { alg: 'RS256', typ: 'at+jwt', kid: 'first' },
      JSON.stringify(scene.claims()).replace('"somebody"', '"a\\ud800"'),
      scene.key.key,
    ),
  'that sets what every object has': () =>
    toToken(
      { alg: 'RS256', typ: 'at+jwt', kid: 'first' },
      JSON.stringify(scene.claims()).replace('{', '{"__proto__":{"scope":"read:users"},'),
      scene.key.key,
    ),
  'with an expiry past all numbers': () =>
    toToken(
      { alg: 'RS256', typ: 'at+jwt', kid: 'first' },
      JSON.stringify(scene.claims()).replace(/"exp":\d+/, '"exp":1e999'),
      scene.key.key,
    ),
  'issued before it began to count': () => scene.token({ iat: -5 }),
  'that says it is good at a text': () => scene.token({ nbf: 'now' }),
  'of an algorithm in other letters': () => scene.token({}, { alg: 'rs256' }),
  'of several algorithms': () => scene.token({}, { alg: ['RS256', 'none'] }),
  'whose typ is a list': () => scene.token({}, { typ: ['at+jwt'] }),
  'packed (zip)': () => scene.token({}, { zip: 'DEF' }),
  'whose payload is not encoded (b64)': () => scene.token({}, { b64: false, crit: ['b64'] }),
  'with crit': () => scene.token({}, { crit: ['exp'] }),
  'with a key inside (jwk)': () => scene.token({}, { jwk: scene.key.jwk }),
  'with the address of a key set (jku)': () => scene.token({}, { jku: `${scene.local.issuer}/keys` }),
  'with the address of a certificate (x5u)': () => scene.token({}, { x5u: scene.local.issuer }),
  'with a certificate inside (x5c)': () => scene.token({}, { x5c: ['MII'] }),
  'without kid': () => scene.token({}, { kid: undefined }),
  'of a kid that is a list': () => scene.token({}, { kid: ['first'] }),
  'of another algorithm than the key has': () => {
    const { key, claims } = scene
    return toToken({ alg: 'PS256', typ: 'at+jwt', kid: 'first' }, claims(), key.key, 'PS256')
  },
  'of alg none': () => {
    const [, body] = scene.token().split('.')
    return `${Buffer.from('{"alg":"none","typ":"at+jwt","kid":"first"}').toString('base64url')}.${body}.`
  },
  'signed with the public key as a shared secret (HS256)': () => {
    const { key, claims } = scene
    const [, body] = toToken({}, claims(), key.key).split('.')
    const text = `${Buffer.from('{"alg":"HS256","typ":"at+jwt","kid":"first"}').toString('base64url')}.${body}`
    const secret = JSON.stringify(key.jwk)
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  },
  'signed by a key of the same kid that is not the issuer’s': () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    return toToken({ alg: 'RS256', typ: 'at+jwt', kid: 'first' }, scene.claims(), privateKey)
  },
  'changed after it was signed': () => {
    const [head, , signature] = scene.token().split('.')
    return `${head}.${Buffer.from(JSON.stringify(scene.claims({ sub: 'other' }))).toString('base64url')}.${signature}`
  },
  'that names a claim twice': () => {
    const text = JSON.stringify(scene.claims()).replace('{', '{"sub":"other",')
    return toToken({ alg: 'RS256', typ: 'at+jwt', kid: 'first' }, text, scene.key.key)
  },
  'that names its algorithm twice': () =>
    toToken('{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"first"}', scene.claims(), scene.key.key),
  'longer than 8 KiB': () => scene.token({ filler: 'x'.repeat(8_192) }),
  'in four parts': () => `${scene.token()}.x`,
  'with another spelling of its signature': () => `${scene.token()}=`,
}

for (const [name, make] of Object.entries(refused)) {
  test(`refused: a token ${name}`, async () => {
    const token = make()
    assert.equal(await verdict(token), '401 invalid_token')
    assert.equal(await verdict(token), '401 invalid_token')
  })
}

test('an expired token is refused as one, also when it was let in before', async () => {
  const { t, token } = scene
  const held = token({ exp: now() + 60 })
  assert.equal(await verdict(held), '200')
  t.clock.advance(89_000)
  assert.equal(await verdict(held), '200')
  t.clock.advance(1_000)
  assert.equal(await verdict(held), '401 token_expired')
})

test('an issuer that nobody named is none: its token says nothing, though its signature be good', async test => {
  const other = await startIssuer([scene.key])
  test.after(other.close)
  assert.equal(await verdict(scene.token({ iss: other.issuer })), '401 invalid_token')
  assert.equal(await verdict(scene.token({ iss: `${scene.local.issuer}/` })), '401 invalid_token')
  assert.equal(await verdict(scene.token({ iss: undefined })), '401 invalid_token')
  assert.deepEqual(other.asked, [])
})

test('account, session and administration routes let in no token of another issuer', async () => {
  const { t, token } = scene
  for (const path of ['me', 'sessions', 'sessions/current', 'me/passkeys'])
    assert.equal(show(await t.call('GET', path, { token: token() })), '403 insufficient_permission', path)
})

test('what belongs to users of this server is not made by a token that acts for none', async () => {
  const answer = await scene.t.call('POST', 'posts', {
    token: scene.token({ scope: 'write:posts' }),
    body: { title: 'A', content: 'B' },
  })
  assert.equal(show(answer), '403 insufficient_permission')
})

test('a key of each kind is taken for its own algorithm only', async test => {
  const es = toLocalKey('es', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, {})
  const ed = toLocalKey('ed', generateKeyPairSync('ed25519').privateKey, { alg: 'EdDSA' })
  const weak = toLocalKey('weak', generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey, {
    alg: 'RS256',
  })
  const forEncryption = newRsaKey('enc', { alg: 'RS256', use: 'enc' })
  const leaked = { ...newRsaKey('leaked'), jwk: { ...newRsaKey('leaked').jwk, d: 'AQAB' } }
  const two = await startScene({ algorithms: ['RS256', 'ES256', 'EdDSA'] })
  test.after(two.close)
  two.local.publish(two.key, es, ed, weak, forEncryption, leaked)
  const tries = [
    [es, 'ES256', '200'],
    [ed, 'EdDSA', '200'],
    [weak, 'RS256', '401 invalid_token'],
    [forEncryption, 'RS256', '401 invalid_token'],
    [leaked, 'RS256', '401 invalid_token'],
  ] as const
  for (const [{ kid, key }, alg, expected] of tries) {
    const token = toToken({ alg, typ: 'at+jwt', kid }, two.claims(), key, alg)
    assert.equal(show(await two.t.call('GET', 'users', { token })), expected, kid)
  }
})
