import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { newId, newSecret, systemRandom } from '../ground/random.ts'
import { createSecrets } from '../ground/secrets.ts'
import { createAccessTokens } from '../tokens/access-token.ts'
import { type KeyRing, openKeyRing } from './signing-keys.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const getRow = () => t.engine.db.selectFrom('signing_keys').selectAll().executeTakeFirstOrThrow()

/** The table with a change that somebody made behind our back, for as long as `look` looks. */
const whileChanged = async (
  change: Partial<Awaited<ReturnType<typeof getRow>>>,
  look: () => Promise<void>,
): Promise<void> => {
  const row = await getRow()
  const write = (values: typeof change) => t.engine.db.updateTable('signing_keys').set(values).execute()
  await write(change)
  try {
    await look()
  } finally {
    await write(row)
  }
}

const openPrivateKey = async (): Promise<JWK> => {
  const { kid, private_key } = await getRow()
  return JSON.parse(t.engine.secrets.open('signing-key', kid, private_key).toString())
}

const tokensOf = (keyRing: KeyRing) =>
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

  test('is not found by a key id that is not there', async () => {
    const ring = await openKeyRing(t.engine)
    for (const kid of ['', newId(systemRandom), 'constructor']) assert.equal(ring.find(kid), undefined)
  })
})

test('a public key planted in the table verifies nothing that its private key has signed', async () => {
  const forger = await generateKeyPair('ES256', { extractable: true })
  const { kid } = await getRow()
  const forged = await tokensOf({
    active: { kid, algorithm: 'ES256', ...forger },
    find: () => undefined,
  }).sign(claims())
  const planted = JSON.stringify(await exportJWK(forger.publicKey))
  await whileChanged({ public_key: planted }, async () => {
    const ours = tokensOf(await openKeyRing(t.engine))
    await assert.rejects(async () => ours.verify(forged), { code: 'invalid_token' })
    assert.equal((await ours.verify(await ours.sign(claims()))).userId, 'u')
  })
})

test('of many who open an empty ring at once, one makes the key and all sign with it', async () => {
  await t.engine.db.deleteFrom('signing_keys').execute()
  const rings = await Promise.all(Array.from({ length: 8 }, () => openKeyRing(t.engine)))
  const { kid } = await getRow()
  assert.deepEqual([...new Set(rings.map(ring => ring.active.kid))], [kid])
})

test('the newest key signs, and older ones still verify', async () => {
  const before = tokensOf(await openKeyRing(t.engine))
  const token = await before.sign(claims())
  const { kid: older, ...row } = await getRow()
  const newer = newId(systemRandom)
  const sealed = t.engine.secrets.seal(
    'signing-key',
    newer,
    Buffer.from(JSON.stringify(await openPrivateKey())),
    t.engine.secrets.newestId,
  )
  await t.engine.db
    .insertInto('signing_keys')
    .values({ ...row, kid: newer, private_key: sealed, created_at: row.created_at + 1 })
    .execute()
  const ring = await openKeyRing(t.engine)
  assert.equal(ring.active.kid, newer)
  assert.equal((await tokensOf(ring).verify(token)).keyId, older)
})
