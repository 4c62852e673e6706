import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Node, openStage, type Stage, secretId } from '../../../../test/processes/stage.ts'
import { rotateKeys } from '../administration/signing-keys.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { systemRandom as random } from '../ground/random.ts'
import { secretIdOf } from '../ground/secrets.ts'
import { defaultSettings } from '../ground/settings.ts'
import { type KeyRingDependencies, openKeyRing } from './key-ring.ts'

const [former, newer] = [secretId(1), secretId(2)]

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const partsOf = ({ secrets, processes }: Node): KeyRingDependencies => ({
  ...{ db: stage.db, clock: stage.clock, random, settings: defaultSettings() },
  ...{ secrets, processes },
})

const listSecretIds = async (): Promise<readonly string[]> => {
  const rows = await stage.db.selectFrom('signing_keys').select('private_key').execute()
  return rows.map(row => secretIdOf(row.private_key))
}

test('a new signing key is sealed with the secret in force, not with the newest of the process that makes it', async () => {
  const old = await stage.startNode([1])
  const next = await stage.startNode([2, 1])
  await openKeyRing(partsOf(next))
  assert.deepEqual(await listSecretIds(), [former, former])
  await openKeyRing(partsOf(old))
})

test('keys made before and after a change of the secret sign and verify for a process that has the newer one alone', async () => {
  const old = await stage.startNode([1])
  const before = await openKeyRing(partsOf(old))
  const { kid } = await before.getActive()
  await old.processes.leave()
  const next = await stage.startNode([2, 1])
  const { kid: rotated } = await rotateKeys(partsOf(next), origin)
  await next.processes.beat()
  await next.processes.leave()
  assert.deepEqual(await listSecretIds(), [newer, newer, newer])
  const ring = await openKeyRing(partsOf(await stage.startNode([2])))
  assert.equal((await ring.getActive()).kid, rotated)
  assert.notEqual(rotated, kid)
  assert.ok(ring.find(kid))
})

test('a process that lacks the secret in force by now makes no signing key, and nothing of its turn stays', async () => {
  const old = await stage.startNode([1])
  await openKeyRing(partsOf(old))
  const rows = await stage.db.selectFrom('signing_keys').selectAll().execute()
  // It was stopped for so long that the others went on without it.
  await stage.db.deleteFrom('processes').execute()
  await stage.db.updateTable('installation').set({ secret_id: newer }).execute()
  await assert.rejects(rotateKeys(partsOf(old), origin), { code: 'unavailable' })
  assert.deepEqual(await stage.db.selectFrom('signing_keys').selectAll().execute(), rows)
})
