import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testsDatabase } from '../../../../test/environment.ts'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { compose, dataFolder } from '../compose.ts'
import { newSecret, systemRandom } from '../ground/random.ts'
import { openSecrets } from './open-secrets.ts'
import { secretFile } from './secret-file.ts'

const first = newSecret(systemRandom)
const other = newSecret(systemRandom)

let t: TestApp
before(async () => {
  t = await startTestApp({ gatewrightSecret: [first] })
})
after(() => t.close())

const startWith = (...gatewrightSecret: string[]) =>
  compose({ settings: { ...t.engine.settings, gatewrightSecret }, durability: 'off' })

test('a start with another secret is stopped, and says which one is missing', async () => {
  const missing = `rests on the secret ${t.engine.secrets.newestId}, which is not here`
  await assert.rejects(startWith(other), error => {
    assert.ok(error instanceof Error)
    assert.ok(error.message.includes(missing), error.message)
    for (const secret of [first, other]) assert.ok(!error.message.includes(secret), 'it shows a secret')
    return true
  })
})

test('a start with another secret makes no second set of keys over the first', async () => {
  const keys = () => t.engine.db.selectFrom('signing_keys').selectAll().execute()
  const before = await keys()
  await assert.rejects(startWith(other))
  assert.deepEqual(await keys(), before)
})

test('a newer secret in front of the first one starts, and what the first one sealed is opened', async () => {
  const engine = await startWith(other, first)
  const sign = await t.engine.accessTokens.getSign()
  const token = await sign({
    userId: 'u',
    sessionId: 'A'.repeat(22),
    userVersion: 1,
    expiresAt: 4_000_000_000_000,
    authTime: 0,
    amr: ['pwd'],
    roles: [],
  })
  assert.equal((await engine.accessTokens.verify(token)).userId, 'u')
  await engine.close()
})

test('race: the file that another start makes before its installation is taken, when both come in between', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const { db } = t.engine
  const selectFrom = ((table: 'installation') => {
    writeFileSync(secretFile(folder), `${first}\n`)
    return db.selectFrom(table)
  }) as typeof db.selectFrom
  const slow = Object.assign(Object.create(db), { selectFrom }) as typeof db
  const open = openSecrets({ db: slow, configured: undefined, folder, random: systemRandom })
  assert.equal((await open).newestId, t.engine.secrets.newestId)
  rmSync(folder, { recursive: true })
})

test('a database whose secret file was lost stops the start, and no second secret is made over the first', {
  skip: testsDatabase.kind === 'postgres' && 'the file would be that of whoever runs the tests',
}, async () => {
  const own = await startTestApp()
  const folder = dataFolder(own.engine.settings)
  rmSync(secretFile(folder))
  const start = compose({ settings: own.engine.settings, durability: 'off' })
  await assert.rejects(start, /put its file back into the data folder/)
  assert.ok(!existsSync(secretFile(folder)))
  await own.close()
})

test('a secret file that holds something else stops the start, and is named without what it holds', {
  skip: testsDatabase.kind === 'postgres' && 'the file would be that of whoever runs the tests',
}, async () => {
  const own = await startTestApp()
  const file = secretFile(dataFolder(own.engine.settings))
  writeFileSync(file, 'half-a-secret')
  await assert.rejects(compose({ settings: own.engine.settings, durability: 'off' }), {
    message: `${file} holds no secret (32 bytes in base64url): put the right file back`,
  })
  await own.close()
})

test('a start that looked for the file before another one had made both it and the database takes that one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
  const db = t.engine.db.withPlugin({
    transformQuery: ({ node }) => {
      writeFileSync(secretFile(folder), first)
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const secrets = await openSecrets({ db, configured: undefined, folder, random: systemRandom })
  assert.equal(secrets.newestId, t.engine.secrets.newestId)
  rmSync(folder, { recursive: true })
})

test('two databases have two epochs', async () => {
  const elsewhere = await startTestApp()
  const epochOf = async ({ engine }: TestApp) =>
    (await engine.db.selectFrom('installation').select('epoch').executeTakeFirstOrThrow()).epoch
  assert.notEqual(await epochOf(elsewhere), await epochOf(t))
  await elsewhere.close()
})
