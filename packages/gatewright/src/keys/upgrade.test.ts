import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPair } from 'jose'
import { newTestDatabase } from '../../../../test/database.ts'
import { createFakeClock } from '../../../../test/harness.ts'
import { day, hour } from '../ground/clock.ts'
import { newId, newSecret, systemRandom as random } from '../ground/random.ts'
import { createSecrets } from '../ground/secrets.ts'
import { defaultSettings } from '../ground/settings.ts'
import { openDatabase } from '../storage/database.ts'
import { engineMigrations, migrate } from '../storage/migrate.ts'
import { openKeyRing } from './key-ring.ts'

test('a database of the version before keeps its key, which goes on signing until it is due', async () => {
  const database = await newTestDatabase()
  const db = openDatabase(database.url)
  const clock = createFakeClock()
  const secrets = createSecrets([newSecret(random)], random)
  const processes = { holdSecretInForce: async () => secrets.newestId }
  const parts = { db, clock, random, secrets, processes, settings: defaultSettings() }
  const { owner, migrations } = engineMigrations
  const before = Object.entries(migrations).filter(([name]) => name < '0006')
  await migrate(db, { owner, migrations: Object.fromEntries(before) })
  const [epoch, created_at] = [newId(random), clock.now()]
  const installation = { epoch, secret_id: secrets.newestId, first_administrator_at: null, created_at }
  await db
    .insertInto('installation')
    .values({ id: 1, ...installation })
    .execute()
  const kid = newId(random)
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await crypto.subtle.exportKey('jwk', privateKey)
  const sealed = secrets.seal('signing-key', kid, Buffer.from(JSON.stringify(jwk)), secrets.newestId)
  const row = { kid, algorithm: 'ES256', state: 'active', public_key: '{}', private_key: sealed }
  await db
    .insertInto('signing_keys')
    .values({ ...row, created_at: clock.now() })
    .execute()

  await migrate(db, engineMigrations)
  const ring = await openKeyRing(parts)
  assert.equal((await ring.getActive()).kid, kid)
  assert.equal(ring.listPublic().length, 2, 'the next one is there')
  clock.advance(30 * day)
  await ring.turn()
  assert.notEqual((await ring.getActive()).kid, kid)
  // The version before may have promised the longest time that there is.
  clock.advance(24 * hour)
  await ring.turn()
  assert.ok(ring.find(kid))
  clock.advance(hour)
  await ring.turn()
  assert.equal(ring.find(kid), undefined)
  await db.destroy()
  await database.drop()
})
