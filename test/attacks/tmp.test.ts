import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { second } from 'gatewright/clock'
import { newId } from 'gatewright/random'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { type Answer, type Caller, startTestApp, type TestApp } from '../harness.ts'
import { makeOwner, sessionIdOf } from '../senders.ts'
import { createForger, encode, type Forger } from './forger.ts'

let t: TestApp
let alice: Caller
let bob: Caller
let setupToken: string
let forger: Forger
before(async () => {
  t = await startTestApp()
  const link = await openSetupLink(t.engine)
  setupToken = link.state === 'made' ? link.token : ''
  alice = await makeOwner(t)
  bob = await makeOwner(t)
  forger = await createForger(t, alice.access)
})
after(() => t.close())

/** A private route, a public one, and one that reads its credential by itself. */
const doors = [
  ['GET', 'me'],
  ['GET', 'posts'],
  ['POST', 'logout'],
] as const

/** All that an answer tells, but for the id of the request. */
const toldBy = ({ status, headers, body }: Answer) => {
  const { request_id, ...told } = body
  return { status, challenge: headers['www-authenticate'], type: headers['content-type'], told }
}

const invalid = {
  status: 401,
  challenge: 'Bearer error="invalid_token", error_description="The token is not valid."',
  type: 'application/problem+json; charset=utf-8',
  told: {
    type: 'http://localhost:3000/docs/errors#invalid_token',
    title: 'Invalid token',
    status: 401,
    detail: 'The token is not valid.',
    code: 'invalid_token',
  },
}

const assertRefused = async (token: string, message?: string): Promise<void> => {
  for (const [method, path] of doors)
    assert.deepEqual(toldBy(await t.call(method, path, { token })), invalid, message ?? path)
}

type Attack = (forger: Forger) => string | Promise<string>

const algorithms: Readonly<Record<string, Attack>> = {
  'alg none without a signature': ({ header, claims }) =>
    `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
  'alg None in other letters': ({ header, claims }) =>
    `${encode({ ...header, alg: 'nOnE' })}.${encode(claims)}.`,
  'alg none with a good signature': f => f.ours({ alg: 'none' }),
  'alg left out': f => f.ours({ alg: undefined }),
  'alg empty': f => f.ours({ alg: '' }),
  'alg null': f => f.ours({ alg: null }),
  'alg as a list': f => f.ours({ alg: ['ES256'] }),
  'alg of another curve': f => f.ours({ alg: 'ES384' }),
  'alg in small letters': f => f.ours({ alg: 'es256' }),
  'alg RS256 over our key': f => f.ours({ alg: 'RS256' }),
  'HS256 with the public key in PEM as the secret': f => f.byHmac(f.publicPem),
  'HS256 with the public key in PEM without its last line break': f => f.byHmac(f.publicPem.trim()),
  'HS256 with the public key as a JWK as the secret': f => f.byHmac(JSON.stringify(f.publicJwk)),
  'HS256 with a coordinate of the public key as the secret': f =>
    f.byHmac(Buffer.from(f.publicJwk.x ?? '', 'base64url')),
  'HS256 with an empty secret': f => f.byHmac(''),
  'HS256 that says ES256': f => f.byHmac(f.publicPem, { alg: 'ES256' }),
}

const keyIds: Readonly<Record<string, Attack>> = {
  'kid left out': f => f.ours({ kid: undefined }),
  'kid empty': f => f.ours({ kid: '' }),
  'kid null': f => f.ours({ kid: null }),
  'kid as a number': f => f.ours({ kid: 0 }),
  'kid as a list of the right one': f => f.ours({ kid: [f.header.kid] }),
  'kid unknown': f => f.ours({ kid: newId(t.engine.random) }),
  'kid as a path': f => f.ours({ kid: '../../../../etc/passwd' }),
  'kid as a path to nothing, signed with nothing': f => f.byHmac('', { kid: '/dev/null' }),
  'kid as a file address': f => f.ours({ kid: 'file:///dev/null' }),
  'kid as a web address': f => f.ours({ kid: 'https://evil.example/key' }),
  'kid as SQL': f => f.ours({ kid: "' OR '1'='1" }),
  'kid as SQL that brings its own key': f => f.byHmac('key', { kid: "x' UNION SELECT 'key'--" }),
  'kid as a command': f => f.ours({ kid: '$(id)' }),
  'kid __proto__': f => f.ours({ kid: '__proto__' }),
  'kid constructor': f => f.ours({ kid: 'constructor' }),
  'kid with a space behind it': f => f.ours({ kid: `${f.header.kid} ` }),
  'kid with a NUL behind it': f => f.ours({ kid: `${f.header.kid}\0` }),
  'kid of 5,000 characters': f => f.ours({ kid: 'k'.repeat(5_000) }),
}

const embedded: Readonly<Record<string, Attack>> = {
  'jwk with the key that signed it': f => f.theirs({ jwk: f.theirPublicJwk }),
  'jwk with the key that signed it, and no kid': f => f.theirs({ jwk: f.theirPublicJwk, kid: undefined }),
  'jwk with our own key': f => f.ours({ jwk: f.publicJwk }),
  'jku of another host': f => f.theirs({ jku: 'https://evil.example/jwks.json' }),
  'jku of our own host': f => f.ours({ jku: 'http://localhost:3000/.well-known/jwks.json' }),
  'x5u of another host': f => f.theirs({ x5u: 'https://evil.example/a.pem' }),
  'x5c with a certificate': f => f.theirs({ x5c: ['MIIB'] }),
  'x5t of a certificate': f => f.ours({ x5t: 'AAAA' }),
  'crit with an unknown extension': f => f.ours({ crit: ['exp'], exp: 1 }),
  'crit empty': f => f.ours({ crit: [] }),
  'b64 false': f => f.ours({ b64: false, crit: ['b64'] }),
  'zip that would be unpacked': f => f.ours({ zip: 'DEF' }),
  'enc of another kind of token': f => f.ours({ enc: 'A256GCM' }),
  'cty of a token within': f => f.ours({ cty: 'JWT' }),
  'a member that nobody knows': f => f.ours({ x: 1 }),
}

const kinds: Readonly<Record<string, Attack>> = {
  'typ JWT': f => f.ours({ typ: 'JWT' }),
  'typ left out': f => f.ours({ typ: undefined }),
  'typ of a logout token': f => f.ours({ typ: 'logout+jwt' }),
  'typ in capital letters': f => f.ours({ typ: 'AT+JWT' }),
  'typ as a media type': f => f.ours({ typ: 'application/at+jwt' }),
  'typ as a list': f => f.ours({ typ: ['at+jwt'] }),
}

const claims: Readonly<Record<string, Attack>> = {
  'aud of another API': f => f.ours({}, { aud: 'https://other.example' }),
  'aud as a list with ours in it': f =>
    f.ours({}, { aud: ['http://localhost:3000', 'https://other.example'] }),
  'aud with a slash at its end': f => f.ours({}, { aud: 'http://localhost:3000/' }),
  'aud left out': f => f.ours({}, { aud: undefined }),
  'aud empty': f => f.ours({}, { aud: '' }),
  'iss of somebody else': f => f.ours({}, { iss: 'https://evil.example' }),
  'iss that begins like ours': f => f.ours({}, { iss: 'http://localhost:3000.evil.example' }),
  'iss with a slash at its end': f => f.ours({}, { iss: 'http://localhost:3000/' }),
  'iss as a list': f => f.ours({}, { iss: ['http://localhost:3000'] }),
  'iss left out': f => f.ours({}, { iss: undefined }),
  'exp left out': f => f.ours({}, { exp: undefined }),
  'exp null': f => f.ours({}, { exp: null }),
  'exp negative': f => f.ours({}, { exp: -1 }),
  'exp as a fraction': f => f.ours({}, { exp: Number(f.claims.exp) + 0.5 }),
  'exp as a text': f => f.ours({}, { exp: String(f.claims.exp) }),
  'exp as a text that is a date': f => f.ours({}, { exp: '2099-01-01' }),
  'exp true': f => f.ours({}, { exp: true }),
  'exp as a list': f => f.ours({}, { exp: [f.claims.exp] }),
  'exp so large that it is infinite': f => f.oursExactly(f.header, changedText(f, 'exp', '1e400')),
  'exp so large that it is not exact': f => f.oursExactly(f.header, changedText(f, 'exp', '1e20')),
  'exp with an exponent': f => f.oursExactly(f.header, changedText(f, 'exp', '9e99')),
  'nbf in the past': f => f.ours({}, { nbf: 0 }),
  'nbf in the future': f => f.ours({}, { nbf: Number(f.claims.exp) + 1 }),
  'iat left out': f => f.ours({}, { iat: undefined }),
  'iat as a text': f => f.ours({}, { iat: '0' }),
  'sub left out': f => f.ours({}, { sub: undefined }),
  'sub empty': f => f.ours({}, { sub: '' }),
  'sub as a number': f => f.ours({}, { sub: 1 }),
  'sub as an object': f => f.ours({}, { sub: { $ne: null } }),
  'sid left out': f => f.ours({}, { sid: undefined }),
  'sid without a version': f => f.ours({}, { sid: String(f.claims.sid).split('.')[0] }),
  'sid with a negative version': f => f.ours({}, { sid: String(f.claims.sid).replace(/\d+$/, '-1') }),
  'sid with a version that is none': f => f.ours({}, { sid: String(f.claims.sid).replace(/\d+$/, 'NaN') }),
  'jti left out': f => f.ours({}, { jti: undefined }),
  'client_id left out': f => f.ours({}, { client_id: undefined }),
  'auth_time left out': f => f.ours({}, { auth_time: undefined }),
  'auth_time as a text': f => f.ours({}, { auth_time: 'now' }),
  'amr as a text': f => f.ours({}, { amr: 'pwd' }),
  'roles left out': f => f.ours({}, { roles: undefined }),
  'roles as a text': f => f.ours({}, { roles: 'admin' }),
  'roles as an object': f => f.ours({}, { roles: { admin: true } }),
  'roles within a list': f => f.ours({}, { roles: [['admin']] }),
}

/** The claims as a text in which one value is written as nobody's encoder would. */
const changedText = ({ claims }: Forger, name: string, value: string): string =>
  JSON.stringify({ ...claims, [name]: '@' }).replace('"@"', value)

const texts: Readonly<Record<string, Attack>> = {
  'a claim that stands twice': f =>
    f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"sub":"x",')),
  'a claim that stands twice, once in escapes': f =>
    f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"\\u0073ub":"x",')),
  'a header member that stands twice': f =>
    f.oursExactly(JSON.stringify(f.header).replace('{', '{"alg":"none",'), f.claims),
  '__proto__ among the claims': f =>
    f.oursExactly(f.header, JSON.stringify(f.claims).replace('{', '{"__proto__":{"roles":["admin"]},')),
  'claims that are a list': f => f.oursExactly(f.header, '[]'),
  'claims that are null': f => f.oursExactly(f.header, 'null'),
  'claims that are a text': f => f.oursExactly(f.header, '"claims"'),
  'claims that are no JSON': f => f.oursExactly(f.header, 'claims'),
  'claims with a byte order mark': f => f.oursExactly(f.header, `\ufeff${JSON.stringify(f.claims)}`),
  'claims that are not UTF-8': f => f.oursExactly(f.header, Buffer.from(JSON.stringify(f.claims), 'utf16le')),
  'a header that is a list': f => f.oursExactly('[]', f.claims),
  'a header that is no JSON': f => f.oursExactly('header', f.claims),
  'no claims': f => f.oursExactly(f.header, ''),
  'an extra part': ({ good }) => `${good}.e30`,
  'an extra empty part': ({ good }) => `${good}.`,
  'five parts, as an encrypted token': ({ good }) => `${good}.AAAA.AAAA`,
  'a part too few': ({ good }) => good.split('.').slice(0, 2).join('.'),
  'no signature': ({ good }) => `${good.split('.').slice(0, 2).join('.')}.`,
  'only dots': () => '..',
  'the JSON serialization': ({ good }) => {
    const [protectedHeader, payload, signature] = good.split('.')
    return JSON.stringify({ protected: protectedHeader, payload, signature })
  },
  'base64 with padding': ({ good }) => `${good}==`,
  'base64 of the other alphabet': ({ header, good }) =>
    good.replace(encode(header), Buffer.from(JSON.stringify(header)).toString('base64')).replace(/..$/, '+/'),
  'base64 with a space in it': ({ good }) => good.replace('.', '. '),
  'base64 with a line break escaped in it': ({ good }) => good.replace('.', '%0a.'),
  'a signature in another spelling of the same bytes': ({ good }) => respell(good),
  'more than 8 KiB': f => f.ours({}, { x: 'x'.repeat(8_192) }),
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The last character of 64 bytes in base64url holds two bits; 15 other characters hold the same two. */
const respell = (token: string): string =>
  token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? '') ^ 1]

const orderOfP256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const withSignature = ({ good }: Forger, bytes: Uint8Array): string =>
  [...good.split('.').slice(0, 2), encode(bytes)].join('.')

const signatures: Readonly<Record<string, Attack>> = {
  'a signature of another key': f => f.theirs(),
  'a signature of another key, with admin among the roles': f => f.theirs({}, { roles: ['admin'] }),
  'a signature of zeros (CVE-2022-21449)': f => withSignature(f, new Uint8Array(64)),
  'a signature of the order of the curve': f => {
    const half = Buffer.from(orderOfP256.toString(16), 'hex')
    return withSignature(f, Buffer.concat([half, half]))
  },
  'a signature in DER': f => {
    const bytes = Buffer.from(f.signature, 'base64url')
    const integer = (part: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), part])
    const parts = Buffer.concat([integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))])
    return withSignature(f, Buffer.concat([Buffer.from([0x30, parts.length]), parts]))
  },
  'a signature cut off': f => withSignature(f, Buffer.from(f.signature, 'base64url').subarray(0, 63)),
  'a signature with a byte more': f => withSignature(f, Buffer.from(`${f.signature}AA`, 'base64url')),
  'the claims of another token of ours': ({ good }) => {
    const [head, , signature] = good.split('.')
    return [head, bob.access.split('.')[1], signature].join('.')
  },
  'the signature of another token of ours': ({ good }) =>
    [...good.split('.').slice(0, 2), bob.access.split('.')[2]].join('.'),
  'sub changed to another user': ({ good, claims }) => swapClaims(good, { ...claims, sub: bob.id }),
  'roles changed to admin': ({ good, claims }) => swapClaims(good, { ...claims, roles: ['admin'] }),
  'exp moved away': ({ good, claims }) => swapClaims(good, { ...claims, exp: Number(claims.exp) + 3_600 }),
  'sid changed to another session': ({ good, claims }) =>
    swapClaims(good, { ...claims, sid: `${sessionIdOf(bob.access)}.1` }),
}

const swapClaims = (good: string, claims: object): string => {
  const [head, , signature] = good.split('.')
  return [head, encode(JSON.stringify(claims)), signature].join('.')
}

const otherSecrets: Readonly<Record<string, Attack>> = {
  'a set-up token': () => setupToken,
  'the id of a user': () => alice.id,
  'the id of a session': () => sessionIdOf(alice.access),
  'the id of our key': ({ header }) => String(header.kid),
  'the password': () => 'correct',
  'a refresh token with dots': () => alice.refresh.replaceAll('_', '.'),
  'an API key that nobody made': () => `gwk_${'A'.repeat(43)}`,
}

const groups = [algorithms, keyIds, embedded, kinds, claims, texts, signatures, otherSecrets]

for (const [threat, attack] of groups.flatMap(group => Object.entries(group)))
  test(`forged access token: ${threat} is refused, and told no more than any other`, async () => {
    await assertRefused(await attack(forger))
    console.log('REASON\t' + threat + '\t' + JSON.parse(t.logLines.at(-1)!).reason)
  })

test('the forger of these tests makes good tokens where nothing is forged', async () => {
  for (const token of [await forger.ours(), await forger.oursExactly(forger.header, forger.claims)]) {
    const answer = await t.call('GET', 'me', { token })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.body.id, alice.id)
  }
})

test('a refresh token opens no route that asks for an access token', async () => {
  for (const [method, path] of doors.slice(0, 2))
    assert.deepEqual(toldBy(await t.call(method, path, { token: alice.refresh })), invalid, path)
})

test('cache confusion: a token that was seen as good is refused once any character of it is another', async () => {
  assert.equal((await t.call('GET', 'me', { token: alice.access })).status, 200)
  for (let at = 0; at < alice.access.length; at++) {
    const was = alice.access[at] ?? ''
    const other = was === '.' ? '_' : (alphabet[(alphabet.indexOf(was) + 1) % 64] ?? '')
    const token = alice.access.slice(0, at) + other + alice.access.slice(at + 1)
    assert.deepEqual(toldBy(await t.call('GET', 'me', { token })), invalid, `character ${at}`)
  }
  assert.equal((await t.call('GET', 'me', { token: alice.access })).status, 200)
})

test('cache confusion: a token cut off, lengthened or in other letters is not the one that was seen', async () => {
  for (const token of [
    alice.access.slice(0, -1),
    alice.access.slice(1),
    `${alice.access}A`,
    `A${alice.access}`,
    alice.access.toLowerCase(),
    alice.access.toUpperCase(),
  ])
    await assertRefused(token)
})

test('cache confusion: a refused token is refused again, and does not spoil the good one', async () => {
  const bad = swapClaims(forger.good, { ...forger.claims, roles: ['admin'] })
  for (const token of [bad, bad, bad]) await assertRefused(token)
  assert.deepEqual((await t.call('GET', 'me', { token: alice.access })).body.roles, ['user'])
})

test('cache confusion: a token seen while it was good is refused from the moment that it expires', async () => {
  const soon = await forger.ours({}, { exp: Math.floor(t.clock.now() / second) + 30 })
  assert.equal((await t.call('GET', 'me', { token: soon })).status, 200)
  t.clock.advance(29 * second)
  assert.equal((await t.call('GET', 'me', { token: soon })).status, 200)
  t.clock.advance(second)
  const answer = await t.call('GET', 'me', { token: soon })
  assert.equal(`${answer.status} ${answer.body.code}`, '401 token_expired')
})

test('a token that was never seen before it expired is told that it has, and nothing of its user', async () => {
  const late = await forger.ours({}, { exp: Math.floor(t.clock.now() / second) - 1 })
  const answer = await t.call('GET', 'me', { token: late })
  assert.equal(`${answer.status} ${answer.body.code}`, '401 token_expired')
  assert.ok(!answer.text.includes(alice.id))
})

test('a token of a user or session that was never there opens nothing', async () => {
  const nobody = await forger.ours({}, { sub: newId(t.engine.random) })
  const answer = await t.call('GET', 'me', { token: nobody })
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
})
