import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { giveKeyWithId } from '../../../../test/api-keys/given.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../../../../test/harness.ts'
import { parseApiKey, type ShownApiKey } from '../tokens/api-key.ts'
import { createKnownKeys, isFault } from './known-keys.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp()
  ann = await signUp(t, 'ann', ['user', 'moderator'])
})
after(() => t.close())

const give = async (): Promise<ShownApiKey> => {
  const shown = parseApiKey((await giveKeyWithId(t, ann.id)).key)
  assert.ok(shown)
  return shown
}

for (const [what, subject] of [
  ['its owner’s', () => ann.id],
  ['all', () => undefined],
] as const)
  test(`stale cache: a read that is under way while ${what} keys are dropped is made again`, async () => {
    let reads = 0
    const clock = { ...t.engine.clock, now: () => ++reads }
    const keys = createKnownKeys({ db: t.engine.db, clock })
    const shown = await give()
    const reading = keys.read(shown)
    keys.drop('somebody else')
    keys.drop(subject())
    const found = await reading
    assert.ok(!isFault(found))
    assert.equal(found.readAt, 2)
    assert.equal(keys.find(shown), found)
  })

test('many who ask for a key at once share one read; nothing that failed is kept', async () => {
  const keys = createKnownKeys(t.engine)
  const shown = await give()
  const [first, second] = await Promise.all([keys.read(shown), keys.read(shown)])
  assert.equal(first, second)
  const wrong = {
    ...shown,
    hash: `${shown.hash}` as typeof shown.hash,
    key: `${shown.key}x` as typeof shown.key,
  }
  await t.engine.db.updateTable('api_keys').set({ ended_at: 1 }).where('id', '=', shown.id).execute()
  assert.ok(isFault(await keys.read(wrong)))
  assert.equal(keys.find(wrong), undefined)
})

test('no more are kept than there is room for, and the oldest goes first', async () => {
  const keys = createKnownKeys(t.engine, 2)
  const shown = [await give(), await give(), await give()] as const
  for (const key of shown) await keys.read(key)
  assert.deepEqual(
    shown.map(key => keys.find(key) !== undefined),
    [false, true, true],
  )
})
