import assert from 'node:assert/strict'
import { KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { newId, newSecret, systemRandom } from '../ground/random.ts'
import { createSecrets } from '../ground/secrets.ts'
import type { SigningKeyRow } from '../storage/tables.ts'
import { createAccessTokens } from '../tokens/access-token.ts'
import { type Algorithm, algorithms, isAlgorithm } from './algorithms.ts'
import { type KeyRing, openKeyRing } from './key-ring.ts'
import { makeKey, openKey, sealKey } from './signing-keys.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const getRow = (state = 'active') =>
  t.engine.db.selectFrom('signing_keys').selectAll().where('state', '=', state).executeTakeFirstOrThrow()

/** The table with a change that somebody made behind our back, for as long as `look` looks. */
const whileChanged = async (change: Partial<SigningKeyRow>, look: () => Promise<void>): Promise<void> => {
  const row = await getRow()
  const { kid = row.kid } = change
  const write = (from: string, values: Partial<SigningKeyRow>) =>
    t.engine.db.updateTable('signing_keys').set(values).where('kid', '=', from).execute()
  await write(row.kid, change)
  try {
    await look()
  } finally {
    await write(kid, row)
  }
}

const openPrivateKey = async (): Promise<JWK> => {
  const { kid, private_key } = await getRow()
  return JSON.parse(t.engine.secrets.open('signing-key', kid, private_key).toString())
}

type Keys = Pick<KeyRing, 'getActive' | 'find' | 'findAnew' | 'onRemoved'>

const tokensOf = (keyRing: Keys) =>
  createAccessTokens({
    issuer: 'http://a.test',
    audience: 'a',
    keyRing,
    clock: t.clock,
    random: systemRandom,
  })

const claims = () => ({
  userId: 'u',
  sessionId: 'A'.repeat(22),
  userVersion: 1,
  expiresAt: t.clock.now() + 60_000,
  authTime: t.clock.now(),
  amr: ['pwd'],
  roles: [],
})

/** The files of the database; of a server, whose files are not ours, the rows. */
const readStored = async (): Promise<readonly Buffer[]> => {
  const { databaseUrl } = t.engine.settings
  if (!databaseUrl.startsWith('sqlite:')) {
    const rows = await t.engine.db.selectFrom('signing_keys').selectAll().execute()
    return rows.map(row => Buffer.from(Object.values(row).join('\n')))
  }
  const file = databaseUrl.slice('sqlite:'.length)
  return [file, `${file}-wal`].filter(existsSync).map(path => readFileSync(path))
}

describe('a signing key at rest', () => {
  test('stands nowhere in the files of the database', async () => {
    const { d = '', x = '' } = await openPrivateKey()
    const stored = await readStored()
    const has = (bytes: Buffer | string) => stored.some(content => content.includes(bytes))
    assert.ok(has(x), 'the public part is found, so the private one would be')
    const raw = Buffer.from(d, 'base64url')
    for (const spelling of [d, raw, raw.toString('hex'), raw.toString('base64')])
      assert.ok(!has(spelling), 'the private key is in a file')
  })

  test('is not opened with another secret', async () => {
    const secrets = createSecrets([newSecret(systemRandom)], systemRandom)
    await assert.rejects(openKeyRing({ ...t.engine, secrets }), /GATEWRIGHT_SECRET does not hold/)
  })

  const flip = (text: string, at: number) =>
    text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  const tampered: Record<string, (sealed: string) => string> = {
    'whose first byte was changed': sealed => flip(sealed, sealed.indexOf('.') + 1),
    'whose middle was changed': sealed => flip(sealed, sealed.length >> 1),
    'whose last byte was changed': sealed => flip(sealed, sealed.length - 2),
    'that was cut off': sealed => sealed.slice(0, -4),
    'that was emptied': sealed => sealed.slice(0, sealed.indexOf('.') + 1),
    'that was replaced by an unsealed one': () => JSON.stringify({ kty: 'EC', d: 'AA' }),
  }
  for (const [name, change] of Object.entries(tampered))
    test(`${name} stops the start`, async () => {
      const { private_key } = await getRow()
      await whileChanged({ private_key: change(private_key) }, () => assert.rejects(openKeyRing(t.engine)))
    })

  test('that was moved to another key id stops the start', () =>
    whileChanged({ kid: newId(systemRandom) }, () => assert.rejects(openKeyRing(t.engine))))

  for (const algorithm of ['RS256', 'HS256', 'EdDSA', 'none', ''])
    test(`whose row was changed to say "${algorithm}" stops the start`, () =>
      whileChanged({ algorithm }, () => assert.rejects(openKeyRing(t.engine), /its row says another/)))

  test('that was moved into the row of another key stops the start', async () => {
    const { private_key } = await getRow('published')
    await whileChanged({ private_key }, () => assert.rejects(openKeyRing(t.engine)))
  })

  test('is not found by a key id that is not there', async () => {
    const ring = await openKeyRing(t.engine)
    for (const kid of ['', newId(systemRandom), 'constructor']) assert.equal(ring.find(kid), undefined)
  })
})

test('a public key planted in the table verifies nothing that its private key has signed', async () => {
  const forger = await generateKeyPair('ES256', { extractable: true })
  const { kid } = await getRow()
  const key = KeyObject.from(forger.privateKey)
  const sign = (text: string) => algorithms.ES256.sign(key, Buffer.from(text))
  const active = { kid, algorithm: 'ES256', publicKey: forger.publicKey, sign }
  const forge = await tokensOf({
    getActive: () => active,
    find: () => undefined,
    findAnew: async () => undefined,
    onRemoved: () => {},
  }).getSign()
  const forged = await forge(claims())
  const planted = JSON.stringify(await exportJWK(forger.publicKey))
  await whileChanged({ public_key: planted }, async () => {
    const ring = await openKeyRing(t.engine)
    const ours = tokensOf(ring)
    await assert.rejects(async () => ours.verify(forged), { code: 'invalid_token' })
    const sign = await ours.getSign()
    assert.equal((await ours.verify(await sign(claims()))).userId, 'u')
    const planted = await exportJWK(forger.publicKey)
    assert.ok(!JSON.stringify(ring.listPublic()).includes(String(planted.x)), 'nor is it shown')
  })
})

const makeSealed = async (algorithm: Algorithm) => {
  const { secrets, random } = t.engine
  return sealKey(secrets, await makeKey(random, algorithm), secrets.newestId)
}

describe('of each algorithm', () => {
  for (const algorithm of Object.keys(algorithms).filter(isAlgorithm))
    test(`${algorithm}: a key signs and verifies, and is taken for no other algorithm`, async () => {
      const made = await makeSealed(algorithm)
      const key = await openKey(t.engine.secrets, made)
      assert.equal(key.algorithm, algorithm)
      const { extractable, type } = key.publicKey
      assert.equal(extractable && type !== 'public', false, 'it can be read out of the object')
      const keys = {
        getActive: () => key,
        find: () => key,
        findAnew: async () => key,
        onRemoved: () => {},
      }
      const tokens = tokensOf(keys)
      const sign = await tokens.getSign()
      const text = await sign(claims())
      const [head = ''] = text.split('.')
      assert.equal(JSON.parse(Buffer.from(head, 'base64url').toString()).alg, algorithm)
      assert.equal((await tokens.verify(text)).userId, 'u')
      for (const other of Object.keys(algorithms).filter(name => name !== algorithm))
        await assert.rejects(openKey(t.engine.secrets, { ...made, algorithm: other }), /another algorithm/)
    })

  test('the public half shows nothing private, and a shared key shows nothing at all', async () => {
    for (const algorithm of Object.keys(algorithms).filter(isAlgorithm)) {
      const made = await makeSealed(algorithm)
      const { publicJwk } = await openKey(t.engine.secrets, made)
      const members = Object.keys({ ...publicJwk, ...JSON.parse(made.public_key) })
      for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'])
        assert.ok(!members.includes(name), `${algorithm} shows ${name}`)
      assert.equal(publicJwk === undefined, algorithm === 'HS256')
    }
  })

  test('no id of a key looks like an option of a command line', async () => {
    const random = { bytes: (count: number) => new Uint8Array(count).fill(0xf8) }
    assert.match(newId(random), /^-/)
    assert.doesNotMatch((await makeKey(random, 'ES256')).kid, /^-/)
  })
})
