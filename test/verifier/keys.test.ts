import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { createVerifier } from 'gatewright-verifier'
import { nameOf } from '../../packages/verifier/src/cut-offs.ts'
import { until } from '../process/until.ts'
import {
  encode,
  judge,
  makeKey,
  openOn,
  type ScriptedIssuer,
  signText,
  startScriptedIssuer,
  withMembers,
} from './scripted-issuer.ts'

const setUp = async (t: TestContext, change: (issuer: ScriptedIssuer) => void = () => {}) => {
  const issuer = await startScriptedIssuer()
  t.after(issuer.close)
  change(issuer)
  const verifier = openOn(issuer)
  t.after(verifier.close)
  return { issuer, verifier }
}

const open = async (t: TestContext) => {
  const { issuer, verifier } = await setUp(t)
  await until('the list was read', () => verifier.age() < 1_000)
  return { issuer, verifier }
}

describe('an issuer that nobody can be sure of is refused', () => {
  const rows: Readonly<Record<string, string>> = {
    'by http from elsewhere': 'http://api.example',
    'by http from an address that only looks like this machine': 'http://127.0.0.1.example',
    'without a scheme': 'api.example',
    'of another scheme': 'ftp://api.example',
    'with a slash at its end': 'https://api.example/',
    'with a port that says nothing': 'https://api.example:443',
    'in capital letters': 'HTTPS://API.example',
    'with a query': 'https://api.example?',
    'with a user': 'https://user@api.example',
    empty: '',
  }
  for (const [name, issuer] of Object.entries(rows))
    test(name, () => assert.throws(() => createVerifier({ issuer, audience: 'a' }).close(), TypeError))
})

test('bounds that would accept ended tokens for longer are refused, unless their name says so', () => {
  const given = { issuer: 'http://127.0.0.1:1', audience: 'a' }
  for (const options of [
    { maxAge: 5_001 },
    { maxAge: 60_000 },
    { maxAge: 0 },
    { maxAge: Number.NaN },
    { maxAge: Number.POSITIVE_INFINITY },
    { acceptEndedTokensForUpTo: 60_001 },
    { maxAge: 5_000, acceptEndedTokensForUpTo: 60_000 },
    { mostCutOffs: 0 },
    { audience: '' },
  ])
    assert.throws(() => createVerifier({ ...given, ...options }).close(), TypeError, JSON.stringify(options))
})

test('a longer bound is told by a warning of the process', async () => {
  const warned = new Promise<Error>(resolve => process.once('warning', resolve))
  createVerifier({ issuer: 'http://127.0.0.1:1', audience: 'a', acceptEndedTokensForUpTo: 60_000 }).close()
  assert.match((await warned).message, /ended are accepted for up to 60000 ms/)
})

describe('metadata and keys that are not those of the issuer let nobody in', { concurrency: 8 }, () => {
  const to = (name: string, value: unknown) => (issuer: ScriptedIssuer) => {
    issuer.script.metadata = { [name]: value }
  }
  const rows: Readonly<Record<string, (issuer: ScriptedIssuer) => void>> = {
    'metadata of another issuer': to('issuer', 'https://elsewhere.example'),
    'metadata of an issuer with a slash more': issuer => to('issuer', `${issuer.issuer}/`)(issuer),
    'a key set on another host': to('jwks_uri', 'https://elsewhere.example/keys'),
    'a key set in a file': to('jwks_uri', 'file:///etc/passwd'),
    'a key set under another name of the same machine': issuer =>
      to('jwks_uri', `${issuer.issuer.replace('127.0.0.1', 'localhost')}/keys`)(issuer),
    'a feed under another name of the same machine': issuer =>
      to('revocation_feed_endpoint', `${issuer.issuer.replace('127.0.0.1', 'localhost')}/feed`)(issuer),
    'no feed': to('revocation_feed_endpoint', undefined),
    'a feed on another host': to('revocation_feed_endpoint', 'https://elsewhere.example/feed'),
    'a redirect to another address': issuer => {
      issuer.script.answer = ({ url }, response) => {
        if (url === '/keys') response.writeHead(302, { location: '/moved' }).end()
        if (url === '/moved') response.end(JSON.stringify({ keys: issuer.script.shown }))
        return url === '/keys' || url === '/moved'
      }
    },
    'a key set of more than its bound': issuer => {
      issuer.script.shown.push({ x: 'x'.repeat(65_536) })
    },
    'a key set with two keys of one id': issuer => {
      issuer.script.shown.unshift(makeKey(issuer.keys[0].kid).jwk)
    },
    'a key set of a thousand keys': issuer => {
      issuer.script.shown.push(...Array.from({ length: 1_000 }, () => ({ kid: 'a' })))
    },
    'a key set that is none': issuer => {
      issuer.script.answer = ({ url }, response) => {
        if (url !== '/keys') return false
        response.setHeader('content-type', 'application/json').end('[]')
        return true
      }
    },
    'a key for encryption': issuer => {
      issuer.script.shown = issuer.keys.map(({ jwk }) => ({ ...jwk, use: 'enc' }))
    },
    'a key that says no algorithm': issuer => {
      issuer.script.shown = issuer.keys.map(({ jwk }) => ({ ...jwk, alg: undefined }))
    },
    'a key that says another algorithm than it is for': issuer => {
      issuer.script.shown = issuer.keys.map(({ jwk }) => ({ ...jwk, alg: 'RS256' }))
    },
    'a key of another curve under the algorithm of ours': issuer => {
      issuer.script.signs = makeKey('another-curve', 'P-384')
      issuer.script.shown = [issuer.script.signs.jwk]
    },
    'a private key that is published': issuer => {
      issuer.script.shown = issuer.keys.map(({ privateKey, jwk }) => ({
        ...privateKey.export({ format: 'jwk' }),
        ...jwk,
      }))
    },
    'a shared key': issuer => {
      issuer.script.shown = issuer.keys.map(({ kid }) => ({
        kty: 'oct',
        k: 'AAAA',
        kid,
        alg: 'HS256',
        use: 'sig',
      }))
    },
  }
  for (const [name, change] of Object.entries(rows))
    test(name, async t => {
      const { issuer, verifier } = await setUp(t, change)
      await until('it was refused', () => verifier.faults.length > 0)
      assert.equal(await judge(verifier, issuer.token()), 'unavailable revocations_stale')
    })
})

describe('a key that is none takes nothing from those that are', () => {
  const [{ jwk }] = [makeKey()]
  const rows: Readonly<Record<string, unknown>> = {
    'a point that is not on its curve': { ...jwk, x: 'AA', y: 'AA' },
    'without a part of it': { ...jwk, y: undefined },
    'with a number in place of a text': { ...jwk, x: 1 },
    'an RSA key that is a number': { kty: 'RSA', n: 5, e: 'AQAB', kid: 'a', alg: 'RS256' },
    'an Ed25519 key that is too short': { kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'a', alg: 'EdDSA' },
    'no object': 'key',
    nothing: null,
  }
  for (const [name, shown] of Object.entries(rows))
    test(name, async t => {
      const { issuer, verifier } = await setUp(t, ({ script }) => script.shown.unshift(shown))
      await until('the list was read', () => verifier.age() < 1_000)
      assert.equal(await judge(verifier, issuer.token()), '200')
      const { kid = '' } = (shown ?? {}) as { readonly kid?: string }
      assert.equal(await judge(verifier, issuer.token({}, makeKey(kid))), 'invalid_token token_key')
      assert.deepEqual(verifier.faults, [])
    })
})

test('an RSA key of 1,024 bits is none', async t => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 })
  const kid = randomBytes(16).toString('base64url')
  const { issuer, verifier } = await open(t)
  issuer.script.shown.push({ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' })
  assert.equal(
    await judge(verifier, issuer.token({}, { ...makeKey(kid), privateKey })),
    'invalid_token token_key',
  )
})

test('made-up key ids: one look in thirty seconds, and one under way at a time', async t => {
  const { issuer, verifier } = await open(t)
  const before = issuer.countOf('/keys')
  const tokens = Array.from({ length: 200 }, () => issuer.token({}, makeKey()))
  const told = await Promise.all(tokens.map(token => judge(verifier, token)))
  assert.deepEqual(new Set(told), new Set(['invalid_token token_key']))
  assert.equal(issuer.countOf('/keys') - before, 1)
  verifier.set.monotonic += 29_000
  await until('it is fresh', () => verifier.age() < 1_000)
  await judge(verifier, issuer.token({}, makeKey()))
  assert.equal(issuer.countOf('/keys') - before, 1)
  verifier.set.monotonic += 2_000
  await until('it is fresh', () => verifier.age() < 1_000)
  await judge(verifier, issuer.token({}, makeKey()))
  assert.equal(issuer.countOf('/keys') - before, 2)
})

test('keys that are slow to come are asked for once, however often the feed is asked meanwhile', async t => {
  const { issuer, verifier } = await open(t)
  issuer.script.answer = ({ url }) => url === '/keys'
  verifier.set.monotonic += 6 * 60_000
  const before = issuer.countOf('/keys')
  for (let number = 0; number < 5; number += 1) {
    const asked = issuer.countOf('/feed')
    issuer.cutOff('session', `session ${number}`)
    await until('it was read', () => issuer.countOf('/feed') > asked)
  }
  assert.equal(issuer.countOf('/keys') - before, 1)
})

test('keys that can not be read for a while are asked for every five seconds, and not with each question', async t => {
  const { issuer, verifier } = await open(t)
  const metadata = '/.well-known/oauth-authorization-server'
  issuer.script.answer = ({ url }, response) => {
    if (url === metadata) response.writeHead(500).end()
    return url === metadata
  }
  const ask = async (): Promise<void> => {
    const asked = issuer.countOf('/feed')
    issuer.cutOff('session', `session ${asked}`)
    await until('it was read', () => issuer.countOf('/feed') > asked)
  }
  verifier.set.monotonic += 6 * 60_000
  const before = issuer.countOf(metadata)
  for (let number = 0; number < 5; number += 1) await ask()
  assert.equal(issuer.countOf(metadata) - before, 1)
  verifier.set.monotonic += 5_000
  await ask()
  await until('they were asked for again', () => issuer.countOf(metadata) - before === 2)
})

test('a key that was made a moment ago is found by its first token, whatever made-up ids came before', async t => {
  const { issuer, verifier } = await open(t)
  const key = makeKey()
  issuer.script.shown.push(key.jwk)
  assert.equal(await judge(verifier, issuer.token({}, key)), '200')
  const next = makeKey()
  issuer.script.shown.push(next.jwk)
  issuer.script.signs = next
  issuer.wake()
  const asked = issuer.countOf('/feed')
  await until('the feed is followed', () => issuer.countOf('/feed') > asked + 2)
  assert.deepEqual(verifier.faults, [])
})

test('a key that is no longer published verifies nothing, also of what was seen before', async t => {
  const { issuer, verifier } = await open(t)
  const token = issuer.token({}, issuer.keys[1])
  assert.equal(await judge(verifier, token), '200')
  issuer.script.shown = [issuer.keys[0].jwk]
  verifier.set.monotonic += 5 * 60_000 + 1_000
  await until('it is refused', async () => (await judge(verifier, token)) === 'invalid_token token_key')
})

/** The first key is revoked, and of that is told for ten seconds more. */
const revoke = ({ script, keys, entries, wake }: ScriptedIssuer): void => {
  script.signs = keys[1]
  script.shown = [keys[1].jwk]
  entries.push(['signing-key', nameOf('signing-key', keys[0].kid), Math.floor(Date.now() / 1_000) + 10])
  wake()
}

test('a revoked key verifies nothing for as long as a key set that still has it may be believed', async t => {
  const { issuer, verifier } = await open(t)
  const now = Math.floor(Date.now() / 1_000)
  const tokens = issuer.keys.map(key => issuer.token({ exp: now + 365 * 86_400 }, key))
  for (const token of tokens) assert.equal(await judge(verifier, token), '200')
  issuer.script.answer = ({ url }, response) => {
    if (url?.startsWith('/feed')) return false
    response.writeHead(500).end()
    return true
  }
  revoke(issuer)
  for (const minutes of [5, 14]) {
    issuer.script.forge = withMembers({ iat: now + minutes * 60 })
    verifier.set.monotonic = minutes * 60_000
    const asked = issuer.countOf('/feed')
    issuer.wake()
    await until('it was read', () => issuer.countOf('/feed') > asked + 1 && verifier.age() < 1_000)
    const told = await Promise.all(tokens.map(token => judge(verifier, token)))
    assert.deepEqual(told, ['invalid_token key_revoked', '200'], `after ${minutes} minutes`)
  }
})

test('where a key was revoked the others are asked for at once', async t => {
  const { issuer, verifier } = await open(t)
  const token = issuer.token()
  assert.equal(await judge(verifier, token), '200')
  revoke(issuer)
  await until('they were asked for', () => issuer.countOf('/keys') > 1)
  await until('it is gone', async () => (await judge(verifier, token)) === 'invalid_token token_key')
})

test('keys that can not be read for fifteen minutes are no longer believed', async t => {
  const { issuer, verifier } = await open(t)
  issuer.script.answer = ({ url }, response) => {
    if (url?.startsWith('/feed')) return false
    response.writeHead(500).end()
    return true
  }
  verifier.set.monotonic += 14 * 60_000
  await until('the feed is followed', () => verifier.age() < 1_000)
  assert.equal(await judge(verifier, issuer.token()), '200')
  verifier.set.monotonic += 2 * 60_000
  await until('it is refused', async () => (await judge(verifier, issuer.token())) !== '200')
  assert.equal(await judge(verifier, issuer.token()), 'unavailable revocations_stale')
})

test('where the keys can not be asked for, that is said of an unknown key, and not that the token is wrong', async t => {
  const { issuer, verifier } = await open(t)
  issuer.script.answer = ({ url }, response) => {
    if (url?.startsWith('/feed')) return false
    response.writeHead(500).end()
    return true
  }
  assert.equal(await judge(verifier, issuer.token({}, makeKey())), 'unavailable keys_unreachable')
})

test('a token under a key of ours, of which every part is right but the signature, is refused', async t => {
  const { issuer, verifier } = await open(t)
  const [head = '', body = ''] = issuer.token().split('.')
  const forged = signText(`${head}.${body}`, makeKey())
  assert.equal(await judge(verifier, forged), 'invalid_token token_signature')
  assert.equal(await judge(verifier, `${head}.${encode({ a: 1 })}.AAAA`), 'invalid_token token_signature')
})
