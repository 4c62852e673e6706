import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { minute, second } from 'gatewright/clock'
import { adoptDatabase } from '../../packages/gatewright/src/administration/adopt-database.ts'
import { changeRoles, disableUser } from '../../packages/gatewright/src/administration/users.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { databaseFile, isPostgresUrl } from '../../packages/gatewright/src/storage/database.ts'
import { newApiKey } from '../../packages/gatewright/src/tokens/api-key.ts'
import { type Answer, type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { type Given, giveKey, giveKeyWithId } from './given.ts'

let t: TestApp
let ann: Caller
before(async () => {
  t = await startTestApp()
  ann = await signUp(t, freshName())
})
after(() => t.close())

const ask = (key: string, path = 'protected', method = 'GET', body?: unknown): Promise<Answer> =>
  t.call(method, path, { headers: { 'x-api-key': key }, body })

const giveAnn = (given?: Given): Promise<string> => giveKey(t, ann.id, given)

const isRefused = async (key: string, path?: string): Promise<void> => {
  const { status, body } = await ask(key, path)
  assert.deepEqual([status, body.code], [401, 'invalid_token'])
}

describe('a key', () => {
  test('is let in as its owner, without a session and with what its owner may', async () => {
    const { status, body } = await ask(await giveAnn())
    assert.equal(status, 200)
    assert.deepEqual(body.user, { id: ann.id, username: ann.username })
    assert.equal(body.session_id, null)
    assert.deepEqual(body.permissions, ['posts:write', 'todos:read', 'todos:write', 'users:read'])
  })

  test('may do no more than it was given', async () => {
    const key = await giveAnn({ permissions: ['todos:read'] })
    assert.deepEqual((await ask(key)).body.permissions, ['todos:read'])
    assert.equal((await ask(key, 'todos')).status, 200)
    assert.equal((await ask(key, 'todos', 'POST', { title: 'Milk' })).body.code, 'insufficient_permission')
    const post = { title: 'Hello', content: 'World' }
    assert.equal((await ask(key, 'posts', 'POST', post)).body.code, 'insufficient_permission')
  })

  test('that may not write posts changes none of its own author either', async () => {
    const post = { title: 'Hello', content: 'World', published: true }
    const { body } = await t.call('POST', 'posts', { token: ann.access, body: post })
    const reading = await giveAnn({ permissions: ['todos:read'] })
    const writing = await giveAnn({ permissions: ['posts:write'] })
    for (const version of ['/api/v1', '/api/v2'])
      assert.equal((await ask(reading, `${version}/posts/${body.id}`, 'DELETE')).status, 403, version)
    assert.equal((await ask(writing, `posts/${body.id}`, 'DELETE')).status, 204)
  })

  test('asks for a permission where its owner, signed in, needs none: own posts and todos', async () => {
    const bob = await signUp(t, freshName())
    const post = { title: 'Hello', content: 'World', published: true }
    const made = await t.call('POST', 'posts', { token: bob.access, body: post })
    await changeRoles(t.engine, { userId: bob.id, roles: [], origin })
    const key = await giveKey(t, bob.id, { permissions: ['posts:write', 'todos:read', 'todos:write'] })
    const calls = [
      ['GET', 'todos'],
      ['POST', 'todos', { title: 'Milk' }],
      ['GET', '/api/v2/todos'],
      ['PUT', `posts/${made.body.id}`, { title: 'Bye' }],
      ['DELETE', `posts/${made.body.id}`],
    ] as const
    for (const [method, path, body] of calls)
      assert.equal((await ask(key, path, method, body)).body.code, 'insufficient_permission', path)
    for (const [method, path, body] of calls)
      assert.ok((await t.call(method, path, { token: bob.access, body })).status < 300, path)
    const more = await t.call('POST', 'posts', { token: bob.access, body: post })
    assert.equal(more.body.code, 'insufficient_permission')
  })

  test('over-reach: one that may not write posts sees no drafts of its owner, one by one or in a list', async () => {
    const draft = { title: 'Secret', content: 'Not yet', published: false }
    const { body } = await t.call('POST', 'posts', { token: ann.access, body: draft })
    const [reading, writing] = [await giveAnn({ permissions: ['todos:read'] }), await giveAnn()]
    for (const [key, status] of [
      [reading, 404],
      [writing, 200],
    ] as const)
      for (const version of ['/api/v1', '/api/v2']) {
        assert.equal((await ask(key, `${version}/posts/${body.id}`)).status, status)
        const { text } = await ask(key, `${version}/posts`)
        assert.equal(text.includes(body.id), status === 200, version)
      }
    assert.equal((await ask(reading, '/api/v2/posts?q=Secret')).text.includes(body.id), false)
  })

  test('asks for no CSRF token, whatever site its request names, and the cookie beside it is not read', async () => {
    const headers = {
      'x-api-key': await giveAnn(),
      origin: 'https://elsewhere.example',
      cookie: 'gw_session=gws_nothing',
    }
    assert.equal((await t.call('POST', 'todos', { headers, body: { title: 'Milk' } })).status, 201)
  })

  test('stands in no other place', async () => {
    const key = await giveAnn()
    for (const headers of [{ authorization: `Bearer ${key}` }, { cookie: `gw_session=${key}` }])
      assert.equal((await t.call('GET', 'protected', { headers })).status, 401)
  })
})

describe('refused like any wrong credential is', () => {
  test('checksum: a key that is mistyped, cut off or longer', async () => {
    const key = await giveAnn()
    const other = key.endsWith('A') ? 'B' : 'A'
    for (const text of [key.slice(0, -1) + other, key.slice(0, -1), `${key}A`, `${key} `, key.slice(4), ''])
      await isRefused(text)
  })

  test('enumeration of ids: an id that there is, with another secret, as one that there is not', async () => {
    const { id } = await giveKeyWithId(t, ann.id)
    const ours = Buffer.from(id, 'base64url')
    const random = { bytes: (count: number) => (count === 16 ? ours : t.engine.random.bytes(count)) }
    const wrong = await ask(newApiKey(random).key)
    const unknown = await ask(newApiKey(t.engine.random).key)
    const { request_id: _, ...body } = wrong.body
    const { request_id: __, ...other } = unknown.body
    assert.deepEqual(body, other)
    assert.equal(wrong.status, 401)
  })

  test('one whose time is over, from that millisecond on', async () => {
    const key = await giveAnn({ expiresAt: t.clock.now() + minute })
    t.clock.advance(minute - 1)
    assert.equal((await ask(key)).status, 200)
    t.clock.advance(1)
    await isRefused(key)
  })

  test('key of a disabled owner, also where it was known before', async () => {
    const ben = await signUp(t, freshName())
    const [known, unseen] = [await giveKey(t, ben.id), await giveKey(t, ben.id)]
    assert.equal((await ask(known)).status, 200)
    await disableUser(t.engine, { userId: ben.id, origin })
    await isRefused(known)
    await isRefused(unseen)
  })

  test('a deleted owner’s', async () => {
    const ben = await signUp(t, freshName())
    const key = await giveKey(t, ben.id)
    assert.equal((await ask(key)).status, 200)
    assert.equal((await t.call('DELETE', 'me', { token: ben.access })).status, 204)
    await isRefused(key)
  })
})

describe('stale cache: what a process knows of a key', () => {
  test('follows the roles of its owner at once', async () => {
    const ben = await signUp(t, freshName(), ['user', 'moderator'])
    const key = await giveKey(t, ben.id)
    assert.ok((await ask(key)).body.permissions.includes('posts:moderate'))
    await changeRoles(t.engine, { userId: ben.id, roles: ['user'], origin })
    assert.ok(!(await ask(key)).body.permissions.includes('posts:moderate'))
  })

  test('is read again after ten minutes, whatever was changed behind its back', async () => {
    const { id, key } = await giveKeyWithId(t, ann.id)
    assert.equal((await ask(key)).status, 200)
    await t.engine.db.updateTable('api_keys').set({ ended_at: 1 }).where('id', '=', id).execute()
    // A process that heard nothing for longer would read everything again.
    for (let n = 0; n < 30; n++) {
      assert.equal((await ask(key)).status, 200)
      t.clock.advance(20 * second)
      await t.engine.revocations.readFromNow()
    }
    await isRefused(key)
  })
})

describe('administrative permissions of a key', () => {
  const administratorsKey = async (app: TestApp, hasFactor: boolean): Promise<readonly string[]> => {
    const root = await signUp(app, freshName(), ['admin'])
    const key = await giveKey(app, root.id, { hasFactor })
    const { body } = await app.call('GET', 'protected', { headers: { 'x-api-key': key } })
    return body.permissions
  }

  test('count where sessions need no second factor', async () => {
    assert.ok((await administratorsKey(t, false)).includes('users:write'))
  })

  test('count else only where whoever made it had shown one', async () => {
    const strict = await startTestApp({ adminSecondFactor: 'required' })
    assert.ok((await administratorsKey(strict, true)).includes('users:write'))
    const without = await administratorsKey(strict, false)
    assert.ok(!without.includes('users:write') && without.includes('posts:moderate'))
    await strict.close()
  })
})

describe('the addresses that a key is taken from', () => {
  /** Injected requests come from 127.0.0.1. */
  const rows: readonly { readonly allowed: readonly string[]; readonly isTaken: boolean }[] = [
    { allowed: [], isTaken: true },
    { allowed: ['127.0.0.1'], isTaken: true },
    { allowed: ['127.0.0.0/8'], isTaken: true },
    { allowed: ['2001:db8::/32', '127.0.0.1'], isTaken: true },
    { allowed: ['::ffff:127.0.0.1'], isTaken: true },
    { allowed: ['::ffff:127.0.0.0/104'], isTaken: true },
    { allowed: ['192.0.2.0/24'], isTaken: false },
    { allowed: ['::/0'], isTaken: false },
    { allowed: ['127.0.0.2'], isTaken: false },
  ]
  for (const { allowed, isTaken } of rows)
    test(`${allowed.join(', ') || 'none named'}: ${isTaken ? 'taken' : 'refused'}`, async () => {
      const key = await giveAnn({ allowedAddresses: allowed })
      if (isTaken) assert.equal((await ask(key)).status, 200)
      else await isRefused(key)
    })

  test('are looked at in each request, behind a proxy by the address it names', async () => {
    const behind = await startTestApp({ trustedProxies: ['127.0.0.1'] })
    const { id } = await signUp(behind, freshName())
    const key = await giveKey(behind, id, { allowedAddresses: ['192.0.2.0/24', '2001:db8:1::/48'] })
    const from = async (address: string): Promise<number> => {
      const headers = { 'x-api-key': key, 'x-forwarded-for': address }
      return (await behind.call('GET', 'protected', { headers })).status
    }
    assert.equal(await from('192.0.2.7'), 200)
    assert.equal(await from('198.51.100.7'), 401)
    assert.equal(await from('::ffff:192.0.2.8'), 200)
    assert.equal(await from('2001:db8:1::9'), 200)
    assert.equal(await from('2001:db8:2::9'), 401)
    await behind.close()
  })
})

test('restored backup: a key that was revoked after it was made is not good again', async () => {
  const restored = await startTestApp()
  const { id } = await signUp(restored, freshName())
  // As the backup has it: nothing in it says that the key has ended since.
  const key = await giveKey(restored, id)
  const asked = async () =>
    (await restored.call('GET', 'protected', { headers: { 'x-api-key': key } })).status
  assert.equal(await asked(), 200)
  const { databaseUrl } = restored.engine.settings
  const file = isPostgresUrl(databaseUrl) ? undefined : databaseFile(databaseUrl)
  assert.equal((await adoptDatabase(restored.engine, { origin, file })).apiKeys, 1)
  await restored.engine.revocations.readFromNow()
  assert.equal(await asked(), 401)
  await restored.close()
})
