import assert from 'node:assert/strict'
import { KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import { CompactSign, exportSPKI, generateKeyPair } from 'jose'
import { minute } from '../ground/clock.ts'
import { newId, systemRandom } from '../ground/random.ts'
import { Refusal } from '../ground/refusal.ts'
import { algorithms } from '../keys/algorithms.ts'
import type { SigningKey } from '../keys/signing-keys.ts'
import { createAccessTokens, type NewAccessToken } from './access-token.ts'

const start = Date.UTC(2026, 10, 21, 12)
const longIssuer = 'https://api.a-rather-long-name.of-a-department.organisation.example'

const makeKey = async (): Promise<SigningKey> => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const key = KeyObject.from(privateKey)
  const sign = (text: string) => algorithms.ES256.sign(key, Buffer.from(text))
  return { kid: newId(systemRandom), algorithm: 'ES256', publicKey, sign }
}

const [active, older, foreign] = await Promise.all([makeKey(), makeKey(), makeKey()])
const removals: ((kid: string) => void)[] = []
const find = (kid: string) => [active, older].find(key => key.kid === kid)
const keyRing = {
  getActive: () => active,
  find,
  findAnew: async (kid: string) => find(kid),
  onRemoved: (listener: (kid: string) => void) => void removals.push(listener),
}

const setUp = (issuer = longIssuer, audience = issuer, ring = keyRing) => {
  let now = start
  const clock = { now: () => now, monotonic: () => now, behind: () => 0, sleep: async () => {} }
  const tokens = createAccessTokens({ issuer, audience, keyRing: ring, clock, random: systemRandom })
  return { tokens, advance: (milliseconds: number) => (now += milliseconds) }
}

const claimed: NewAccessToken = {
  userId: newId(systemRandom),
  sessionId: newId(systemRandom),
  userVersion: 4_294_967_295,
  expiresAt: start + 10 * minute,
  authTime: start - 1,
  amr: ['pwd'],
  roles: ['admin', 'moderator', 'user'],
}

const read = (part = ''): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const { tokens } = setUp()
const sign = await tokens.getSign()
const good = await sign(claimed)
const [goodHead = '', goodBody = '', goodSignature = ''] = good.split('.')
const claims = read(goodBody)

/** A token of ours in everything but what the forger changes; its signature is always right for its text. */
const signed = async (
  payload: unknown,
  header: Readonly<Record<string, unknown>> = {},
  key = active,
): Promise<string> => {
  const head = encode({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })
  const body = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const text = `${head}.${body.toString('base64url')}`
  return `${text}.${Buffer.from(await key.sign(text)).toString('base64url')}`
}

const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))

const assertRefused = async (text: string, code = 'invalid_token'): Promise<void> => {
  await assert.rejects(
    async () => tokens.verify(text),
    error => {
      assert.ok(error instanceof Refusal, String(error))
      assert.equal(error.code, code)
      return true
    },
  )
}

test('a token says exactly what the contract lists, in whole seconds', () => {
  assert.deepEqual(read(goodHead), { alg: 'ES256', typ: 'at+jwt', kid: active.kid })
  const { jti, ...rest } = claims
  assert.match(String(jti), /^[\w-]{22}$/)
  assert.deepEqual(rest, {
    iss: longIssuer,
    sub: claimed.userId,
    aud: longIssuer,
    client_id: 'first-party',
    iat: start / 1_000,
    exp: start / 1_000 + 600,
    sid: `${claimed.sessionId}.4294967295`,
    auth_time: start / 1_000 - 1,
    amr: ['pwd'],
    roles: ['admin', 'moderator', 'user'],
  })
})

test('tokens are made by what was taken before anything was changed, and by nothing else', () => {
  assert.deepEqual(Object.keys(tokens), ['getSign', 'findKnown', 'verify', 'counts'])
})

test('two tokens made of the same things differ in their jti', async () => {
  const jti = async () => read((await sign(claimed)).split('.')[1]).jti
  assert.notEqual(await jti(), await jti())
})

test('what a removed key has signed is remembered no longer, and what others have is', async () => {
  const own = setUp()
  const verified = await own.tokens.verify(good)
  const olds = await signed(claims, {}, older)
  await own.tokens.verify(olds)
  removals.at(-1)?.(older.kid)
  assert.equal(await own.tokens.verify(good), verified)
  assert.equal(own.tokens.findKnown(olds), undefined, 'it is looked at anew')
})

test('a key that is revoked while a token of it is verified leaves nothing of it', async () => {
  let isThere = true
  const leaving = { ...keyRing, find: (kid: string) => (isThere ? find(kid) : undefined) }
  const clock = { now: () => start, monotonic: () => start, behind: () => 0, sleep: async () => {} }
  const names = { issuer: longIssuer, audience: longIssuer }
  const own = createAccessTokens({ ...names, keyRing: leaving, clock, random: systemRandom })
  const verifying = own.verify(good)
  isThere = false
  await assert.rejects(async () => verifying, { code: 'invalid_token' })
  isThere = true
  assert.ok(own.findKnown(good) === undefined, 'it was not remembered')
})

test('where it can not be told whether a key is ours, that is said, and not that the token is wrong', async () => {
  const findAnew = async () => {
    throw new Refusal('unavailable', { reason: 'signing_keys_stale' })
  }
  const own = setUp(longIssuer, longIssuer, { ...keyRing, findAnew })
  await assert.rejects(async () => own.tokens.verify(await signed(claims, {}, foreign)), {
    code: 'unavailable',
    details: { reason: 'signing_keys_stale' },
  })
  assert.equal((await own.tokens.verify(good)).userId, claimed.userId)
})

test('what was verified is told, frozen deeply, and remembered', async () => {
  const token = await tokens.verify(good)
  const { keyId, tokenId, clientId, audience, ...rest } = token
  assert.deepEqual(rest, { ...claimed, authTime: start - 1_000 })
  assert.deepEqual([keyId, clientId, audience], [active.kid, 'first-party', longIssuer])
  assert.equal(tokenId, claims.jti)
  for (const part of [token, ...Object.values(token)]) assert.ok(Object.isFrozen(part))
  assert.equal(tokens.findKnown(good), token)
})

test('a token that is remembered is judged without waiting and without another look at its key', async () => {
  let looks = 0
  const counted = {
    ...keyRing,
    find: (kid: string) => {
      looks += 1
      return keyRing.find(kid)
    },
  }
  const own = setUp(longIssuer, longIssuer, counted)
  await own.tokens.verify(good)
  const before = looks
  for (let times = 0; times < 100; times++) assert.ok(own.tokens.findKnown(good))
  assert.equal(looks, before)
})

test('nothing that failed is remembered: what is refused is looked at anew each time', async () => {
  const text = await signed(claims, {}, foreign)
  let known: SigningKey | undefined
  const own = setUp(longIssuer, longIssuer, { ...keyRing, find: () => known })
  for (const _ of ['once', 'twice']) await assert.rejects(async () => own.tokens.verify(text))
  known = foreign
  assert.equal((await own.tokens.verify(text)).keyId, foreign.kid)
})

test('a token that was remembered for one audience is refused by whoever expects another', async () => {
  const own = setUp(longIssuer, 'https://other.example')
  for (const _ of ['never seen', 'seen'])
    await assert.rejects(async () => own.tokens.verify(good), {
      code: 'invalid_token',
      details: {
        reason: 'token_audience',
        session: { userId: claimed.userId, sessionId: claimed.sessionId },
      },
    })
})

test('a session that refreshes in a loop pushes out no token of another', async () => {
  const own = setUp()
  await own.tokens.verify(good)
  const sessionId = newId(systemRandom)
  const texts = await Promise.all(Array.from({ length: 20 }, () => sign({ ...claimed, sessionId })))
  for (const text of texts) await own.tokens.verify(text)
  assert.ok(own.tokens.findKnown(good))
  const known = texts.filter(text => own.tokens.findKnown(text))
  assert.equal(known.length, 4)
})

test('the forger of these tests signs as we do', async () => {
  assert.equal((await tokens.verify(await signed(claims))).tokenId, claims.jti)
})

test('a token signed by an older key of the ring is good', async () => {
  assert.equal((await tokens.verify(await signed(claims, {}, older))).keyId, older.kid)
})

const publicPem = await exportSPKI(active.publicKey)
const withHmac = await new CompactSign(Buffer.from(JSON.stringify(claims)))
  .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: active.kid })
  .sign(Buffer.from(publicPem))
const unsignedHead = encode({ alg: 'none', typ: 'at+jwt', kid: active.kid })
const forgeries: Record<string, string> = {
  'algorithm none, without a signature': `${unsignedHead}.${goodBody}.`,
  'algorithm none, with the old signature': `${unsignedHead}.${goodBody}.${goodSignature}`,
  'our public key used as an HMAC secret': withHmac,
  'another key under our key id': await signed(claims, { kid: active.kid }, foreign),
  'a key id that is not in the ring': await signed(claims, {}, foreign),
  'the key id of another key of ours': await signed(claims, { kid: older.kid }),
  'no key id': await signed(claims, { kid: undefined }),
  'a key id that is no text': await signed(claims, { kid: 1 }),
  'a key brought along (jwk)': await signed(claims, { jwk: { kty: 'EC' } }),
  'a key to be fetched (jku)': await signed(claims, { jku: 'https://attacker.example/jwks' }),
  'a certificate to be fetched (x5u)': await signed(claims, { x5u: 'https://attacker.example/x5u' }),
  'a certificate brought along (x5c)': await signed(claims, { x5c: ['MIIB'] }),
  'a critical extension': await signed(claims, { crit: ['exp'], exp: 1 }),
  'an unencoded payload (b64)': await signed(claims, { b64: false }),
  'another algorithm of the same key': await signed(claims, { alg: 'ES384' }),
  'a JWT made for another purpose': await signed(claims, { typ: 'JWT' }),
  'a type in capitals': await signed(claims, { typ: 'AT+JWT' }),
  'no type': await signed(claims, { typ: undefined }),
  'roles raised under the old signature': `${goodHead}.${encode({ ...claims, roles: ['admin'] })}.${goodSignature}`,
  'a signature of zeros': `${goodHead}.${goodBody}.${'A'.repeat(86)}`,
  'a signature cut off': `${goodHead}.${goodBody}.${goodSignature.slice(0, -2)}`,
  'no signature': `${goodHead}.${goodBody}.`,
  'two parts': `${goodHead}.${goodBody}`,
  'four parts': `${good}.${goodSignature}`,
  'an encrypted token': 'a.b.c.d.e',
  'a padded header': `${goodHead}=.${goodBody}.${goodSignature}`,
  'nothing at all': '',
  'three empty parts': '..',
  'more than 8,192 characters': `${goodHead}.${goodBody}.${'A'.repeat(8_192)}`,
  'a refresh token': `gwr_${'A'.repeat(80)}`,
}

describe('a forged token is refused', () => {
  for (const [name, text] of Object.entries(forgeries)) test(name, () => assertRefused(text))

  test('also when the token that it was made from is remembered', async () => {
    await tokens.verify(good)
    await assertRefused(`${goodHead}.${encode({ ...claims, roles: ['admin'] })}.${goodSignature}`)
  })
})

describe('claims that we never make are refused, even under our signature', () => {
  const rows: Record<string, unknown> = {
    'a payload that is no object': [claims],
    'a payload of null': null,
    'a payload that is no JSON': 'exp=9',
    'one claim twice': `{"sub":"a",${JSON.stringify(claims).slice(1)}`,
    'a claim named __proto__': `{"__proto__":{},${JSON.stringify(claims).slice(1)}`,
    'a token not valid yet': { ...claims, nbf: start / 1_000 + 60 },
    'another issuer': { ...claims, iss: 'https://elsewhere.example' },
    'our issuer with a slash': { ...claims, iss: `${longIssuer}/` },
    'another audience': { ...claims, aud: 'https://elsewhere.example' },
    'several audiences': { ...claims, aud: [longIssuer, 'https://elsewhere.example'] },
    'an expiry as text': { ...claims, exp: String(claims.exp) },
    'an expiry with a fraction': { ...claims, exp: Number(claims.exp) + 0.5 },
    'an expiry before 1970': { ...claims, exp: -1 },
    'one role as text': { ...claims, roles: 'admin' },
    'a role that is no text': { ...claims, roles: [['admin']] },
    'an empty user': { ...claims, sub: '' },
    'a session without the version of its user': { ...claims, sid: claimed.sessionId },
    'a session of another form': { ...claims, sid: 'x.1' },
    'a version that is no number': { ...claims, sid: `${claimed.sessionId}.-1` },
    ...Object.fromEntries(Object.keys(claims).map(name => [`no ${name}`, without(name)])),
  }
  for (const [name, payload] of Object.entries(rows))
    test(name, async () => assertRefused(await signed(payload)))
})

describe('an expired token', () => {
  const rows = [
    { name: 'is good one millisecond before its exp', wait: 10 * minute - 1, expired: false },
    { name: 'is refused at its exp', wait: 10 * minute, expired: true },
    { name: 'is refused after it', wait: 11 * minute, expired: true },
  ]
  for (const { name, wait, expired } of rows)
    for (const remembered of [false, true])
      test(`${name}${remembered ? ', remembered or not' : ''}`, async () => {
        const own = setUp()
        if (remembered) await own.tokens.verify(good)
        own.advance(wait)
        const verdict = Promise.resolve().then(() => own.tokens.verify(good))
        if (!expired) return void (await verdict)
        await assert.rejects(verdict, { name: 'Refusal', code: 'token_expired' })
      })

  test('tells only that it is expired when its signature is good', async () => {
    const own = setUp()
    own.advance(11 * minute)
    const forged = `${goodHead}.${goodBody}.${'A'.repeat(86)}`
    await assert.rejects(async () => own.tokens.verify(forged), { code: 'invalid_token' })
  })
})
