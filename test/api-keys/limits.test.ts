import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newApiKey } from '../../packages/gatewright/src/tokens/api-key.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { giveKey, giveKeyWithId } from './given.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp({
    limitsScale: 1,
    trustedProxies: ['127.0.0.1'],
    limitsOverride: [
      { policy: 'read-api-key', count: 5, window: 60_000 },
      { policy: 'read-key-owner', count: 20, window: 60_000 },
      { policy: 'refused-credential-session', count: 4, window: 60_000 },
      { policy: 'new-key-user-hour', count: 3, window: 3_600_000 },
      { policy: 'unknown-key-address', count: 10, window: 60_000 },
    ],
  } as Parameters<typeof startTestApp>[0])
  ann = await signUp(t, freshName())
})
after(() => t.close())

const ask = async (key: string): Promise<number> =>
  (await t.call('GET', 'protected', { headers: { 'x-api-key': key } })).status

test('a key has a limit of its own: it uses up neither its owner’s nor that of another key', async () => {
  const [loud, quiet] = [await giveKey(t, ann.id), await giveKey(t, ann.id)]
  const statuses: number[] = []
  for (let time = 0; time < 20; time++) statuses.push(await ask(loud))
  assert.ok(statuses.includes(429))
  assert.equal(await ask(quiet), 200)
  assert.equal((await t.call('GET', 'protected', { token: ann.access })).status, 200)
})

test('many keys: what one owner does with all of them has a limit too, which is not the owner’s', async () => {
  const ben = await signUp(t, freshName())
  const keys = await Promise.all(Array.from({ length: 6 }, () => giveKey(t, ben.id)))
  const statuses: number[] = []
  for (let time = 0; time < 5; time++) for (const key of keys) statuses.push(await ask(key))
  assert.equal(statuses.filter(status => status === 200).length, 20)
  assert.equal(statuses.at(-1), 429)
  assert.equal((await t.call('GET', 'protected', { token: ben.access })).status, 200)
  assert.equal(await ask(await giveKey(t, ann.id)), 200)
})

test('searching with a key uses up nothing of its owner’s', async () => {
  const headers = { 'x-api-key': await giveKey(t, ann.id) }
  const { headers: told } = await t.call('GET', '/api/v2/posts?q=x', { headers })
  assert.match(String(told['ratelimit-policy']), /"search-api-key";q=120/)
  assert.doesNotMatch(String(told['ratelimit-policy']), /search-user/)
})

test('flood of notices: a stolen session makes and rotates so many keys, and can still revoke them', async () => {
  const ben = await signUp(t, freshName())
  const send = (method: string, path: string, body?: object) =>
    t.call(method, path, { token: ben.access, body })
  const body = { name: 'report', permissions: [] }
  const { id } = (await send('POST', 'api-keys', body)).body
  const rotated = await send('POST', `api-keys/${id}/rotate`)
  assert.equal(rotated.status, 201)
  assert.equal((await send('POST', 'api-keys', body)).status, 201)
  assert.equal((await send('POST', 'api-keys', body)).status, 429)
  assert.equal((await send('POST', `api-keys/${rotated.body.id}/rotate`)).status, 429)
  assert.equal((await send('DELETE', `api-keys/${id}`)).status, 204)
})

test('found key: however often it is shown, one from a wrong address is told what one is told that has ended', async () => {
  const elsewhere = await giveKeyWithId(t, ann.id, { allowedAddresses: ['192.0.2.0/24'] })
  const ended = await giveKeyWithId(t, ann.id)
  await t.engine.db.updateTable('api_keys').set({ ended_at: 1 }).where('id', '=', ended.id).execute()
  const toldOf = async (key: string, times: number) => {
    const told: unknown[] = []
    for (let time = 0; time < times; time++) {
      const { status, body, headers } = await t.call('GET', 'protected', { headers: { 'x-api-key': key } })
      const { ratelimit, 'ratelimit-policy': policy, 'retry-after': after } = headers
      told.push([status, body.code, body.detail, policy, ratelimit, after])
    }
    return told
  }
  const told = await toldOf(elsewhere.key, 12)
  assert.deepEqual(told, await toldOf(ended.key, 12))
  assert.deepEqual([(told[0] as unknown[])[0], (told.at(-1) as unknown[])[0]], [401, 429])
  assert.deepEqual(told.slice(0, 2), await toldOf(newApiKey(t.engine.random).key, 2))
})

test('stolen key: shown from where it is not taken, however often, it keeps its owner’s program from nothing', async () => {
  const { key } = await giveKeyWithId(t, ann.id, { allowedAddresses: ['192.0.2.0/24'] })
  const from = async (address: string): Promise<number> => {
    const headers = { 'x-api-key': key, 'x-forwarded-for': address }
    return (await t.call('GET', 'protected', { headers })).status
  }
  const statuses: number[] = []
  for (let time = 0; time < 12; time++) statuses.push(await from('198.51.100.7'))
  assert.equal(statuses.at(-1), 429)
  t.engine.knownKeys.drop()
  assert.equal(await from('192.0.2.7'), 200)
})

test('flood of made-up keys: past the limit of their address none is looked up, and known keys go on', async () => {
  const known = await giveKey(t, ann.id)
  assert.equal(await ask(known), 200)
  const statuses: number[] = []
  for (let time = 0; time < 25; time++) statuses.push(await ask(newApiKey(t.engine.random).key))
  assert.equal(statuses[0], 401)
  assert.equal(statuses.at(-1), 429)
  assert.equal(await ask(known), 200)
})
