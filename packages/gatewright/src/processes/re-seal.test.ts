import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Node, openStage, type Stage, secretId, secretText } from '../../../../test/processes/stage.ts'
import { systemRandom } from '../ground/random.ts'
import { createSecrets, secretIdOf } from '../ground/secrets.ts'
import { defaultSettings } from '../ground/settings.ts'
import { listDependents } from './dependents.ts'
import { reSeal } from './re-seal.ts'

const [A, B] = [secretId(1), secretId(2)]
const both = createSecrets([secretText(2), secretText(1)], systemRandom)

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const addKey = (on: Stage, kid: string, sealed = both.seal('signing-key', kid, Buffer.from(kid), A)) =>
  on.db
    .insertInto('signing_keys')
    .values({ kid, algorithm: 'ES256', state: 'retired', public_key: '', private_key: sealed, created_at: 0 })
    .execute()

const readKeys = async (on: Stage): Promise<Readonly<Record<string, string>>> => {
  const rows = await on.db.selectFrom('signing_keys').select(['kid', 'private_key']).execute()
  return Object.fromEntries(rows.map(row => [row.kid, row.private_key]))
}

const dependenciesOf = ({ processes, secrets }: Node) => ({
  db: stage.db,
  secrets,
  hold: processes.holdSecretInForce,
})

describe('what is sealed', () => {
  test('is moved to the secret in force by the next beat, and opens to the same', async () => {
    for (let at = 0; at < 45; at++) await addKey(stage, `key-${at}`)
    const node = await stage.startNode([2, 1])
    await node.processes.beat()
    const keys = await readKeys(stage)
    const alone = createSecrets([secretText(2)], systemRandom)
    for (const [kid, sealed] of Object.entries(keys))
      assert.equal(alone.open('signing-key', kid, sealed).toString(), kid)
    assert.equal(Object.keys(keys).length, 45)
  })

  test('stays where it is while a process does not hold the newer secret', async () => {
    await addKey(stage, 'key')
    await stage.startNode([1])
    const node = await stage.startNode([2, 1])
    const before = await readKeys(stage)
    await node.processes.beat()
    assert.deepEqual(await readKeys(stage), before)
  })

  test('is never moved back by a process that has not heard of the change', async () => {
    const node = await stage.startNode([2, 1])
    await addKey(stage, 'key', both.seal('signing-key', 'key', Buffer.from('key'), B))
    await reSeal(dependenciesOf(node), A)
    const { key } = await readKeys(stage)
    assert.equal(secretIdOf(String(key)), B)
    assert.equal(both.open('signing-key', 'key', String(key)).toString(), 'key')
  })

  test('and was changed meanwhile is not overwritten', async () => {
    await addKey(stage, 'key')
    const node = await stage.startNode([2, 1])
    const other = both.seal('signing-key', 'key', Buffer.from('other'), A)
    const { hold, ...rest } = dependenciesOf(node)
    const moved = await reSeal(
      {
        ...rest,
        hold: async work => {
          await work.db.updateTable('signing_keys').set({ private_key: other }).execute()
          return hold(work)
        },
      },
      B,
    )
    assert.equal(moved, 0)
    assert.deepEqual(await readKeys(stage), { key: other })
  })

  const broken: Readonly<Record<string, string>> = {
    'was moved to another row': both.seal('signing-key', 'another row', Buffer.from('x'), A),
    'names a secret that nobody holds': `AAAAAA.${both.seal('signing-key', 'broken', Buffer.from('x'), A).slice(7)}`,
    'was changed': both
      .seal('signing-key', 'broken', Buffer.from('x'), A)
      .replace(/(?<=^.{12})./, found => (found === 'A' ? 'B' : 'A')),
    'is not sealed': '{"kty":"EC"}',
  }
  for (const [what, sealed] of Object.entries(broken))
    test(`and ${what} is left as it is, and holds up nothing else`, async () => {
      await addKey(stage, 'broken', sealed)
      await addKey(stage, 'zz')
      const node = stage.newNode([2, 1])
      const hold = async () => B
      assert.equal(await reSeal({ db: stage.db, secrets: node.secrets, hold, batch: 1 }, B), 1)
      const keys = await readKeys(stage)
      assert.equal(keys.broken, sealed)
      assert.equal(secretIdOf(String(keys.zz)), B)
    })

  test('and was erased since, as the private half of a signing key that is gone, rests on no secret', async () => {
    await addKey(stage, 'gone', '')
    const node = await stage.startNode([1])
    const hold = () => assert.fail('a transaction for nothing')
    assert.equal(await reSeal({ db: stage.db, secrets: node.secrets, hold }, A), 0)
    const { now } = stage.clock
    assert.deepEqual(await listDependents(stage.db, { now: now(), settings: defaultSettings() }), [])
  })

  test('under a secret that a start does not hold stops it, and is named', async () => {
    await addKey(stage, 'key')
    await addKey(stage, 'foreign', `AAAAAA.${'x'.repeat(40)}`)
    await assert.rejects(stage.startNode([1]), /secret AAAAAA, which is not here \(1 of signing_keys\)/)
  })
})

const script = join(import.meta.dirname, '../../../../test/processes/dies-re-sealing.ts')

type Ending = { readonly signal: string | null; readonly stdout: string }

const die = (on: Stage, statement: number, when: string): Promise<Ending> =>
  new Promise(resolve => {
    const texts = `${secretText(2)},${secretText(1)}`
    const child = execFile(
      process.execPath,
      [script, on.url, texts, String(statement), when],
      (_error, stdout) => resolve({ signal: child.signalCode, stdout }),
    )
  })

test('a process that is killed before or after any statement of moving leaves every value as one that opens, and the next one finishes', async t => {
  const kids = ['a', 'b', 'c']
  const dieOn = async (statement: number, when: string): Promise<boolean> => {
    const on = await openStage()
    await on.db.updateTable('installation').set({ secret_id: B }).execute()
    for (const kid of kids) await addKey(on, kid)
    const { signal } = await die(on, statement, when)
    const keys = await readKeys(on)
    for (const kid of kids) assert.equal(both.open('signing-key', kid, String(keys[kid])).toString(), kid)
    const { stdout } = await die(on, 0, 'never')
    assert.notEqual(stdout, '')
    for (const sealed of Object.values(await readKeys(on))) assert.equal(secretIdOf(sealed), B)
    await on.close()
    return signal === 'SIGKILL'
  }
  let kills = 0
  for (let statement = 1; ; statement++) {
    const died = await Promise.all(['before', 'after'].map(when => dieOn(statement, when)))
    kills += died.filter(Boolean).length
    if (!died.includes(true)) break
  }
  t.diagnostic(`killed ${kills} times`)
  assert.ok(kills >= 14, `${kills}`)
})
