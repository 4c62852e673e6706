import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { SignedIn } from 'gatewright/testing'
import { type Answer, show } from './call.ts'
import { signUp, startBlog, type TestBlog } from './start-blog.ts'

const day = 86_400_000

let t: TestBlog
let alice: SignedIn
before(async () => {
  t = await startBlog()
  alice = await signUp(t, 'alice')
})
after(() => t.close())

const kinds = {
  posts: { title: 'one', content: 'text' },
  todos: { title: 'one', due_at: '2027-01-01T00:00:00Z' },
} as const
type Kind = keyof typeof kinds
const kindNames = Object.keys(kinds) as Kind[]

let keys = 0
const newKey = (): string => `key-${++keys}`

const post = (kind: Kind, key: string, body: unknown = kinds[kind], caller = alice) =>
  t.call('POST', `/api/v2/${kind}`, { token: caller.accessToken, body, headers: { 'idempotency-key': key } })

const count = async (kind: Kind): Promise<number> =>
  (
    await t.engine.db
      .selectFrom(kind as 'users')
      .select('id')
      .execute()
  ).length

/** All that a caller is told of a thing made. */
const toldBy = ({ status, text, headers }: Answer) => ({
  status,
  text,
  location: headers.location,
  etag: headers.etag,
  type: headers['content-type'],
})

for (const kind of kindNames) {
  test(`${kind}: fifty at once with one key make one, and get fifty equal answers`, async () => {
    const [key, before] = [newKey(), await count(kind)]
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(kind, key)))
    assert.equal(await count(kind), before + 1)
    const [first] = answers
    assert.equal(first?.status, 201)
    for (const answer of answers) assert.deepEqual(toldBy(answer), toldBy(first))
    const replayed = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')
    assert.equal(replayed.length, 49)
  })

  test(`${kind}: another body under the same key is 422, and makes nothing`, async () => {
    const key = newKey()
    assert.equal((await post(kind, key)).status, 201)
    const before = await count(kind)
    for (const body of [
      { ...kinds[kind], title: 'two' },
      { title: 'one', done: true, content: 'x' },
    ]) {
      const answer = await post(kind, key, body)
      assert.ok(['422 idempotency_key_reused', '400 validation_failed'].includes(show(answer)), answer.text)
      assert.equal(answer.headers['idempotency-replayed'], undefined)
    }
    assert.equal(show(await post(kind, key, { ...kinds[kind], title: 'two' })), '422 idempotency_key_reused')
    assert.equal(await count(kind), before)
  })

  test(`${kind}: the same body in another order is the same body`, async () => {
    const key = newKey()
    const first = await post(kind, key)
    const reversed = Object.fromEntries(Object.entries(kinds[kind]).reverse())
    assert.deepEqual(toldBy(await post(kind, key, reversed)), toldBy(first))
  })

  test(`${kind}: a refused attempt leaves no key`, async () => {
    const key = newKey()
    assert.equal(show(await post(kind, key, { title: '' })), '400 validation_failed')
    assert.equal((await post(kind, key)).headers['idempotency-replayed'], undefined)
  })

  for (const key of ['', ' ', 'a b', 'a\tb', 'k\u00e9', 'x'.repeat(256), 'a, b'])
    test(`${kind}: this is no key: ${JSON.stringify(key.slice(0, 8))}`, async () => {
      const before = await count(kind)
      const answer = await post(kind, key)
      assert.equal(show(answer), '400 validation_failed')
      assert.equal(answer.body.errors[0].path, '/idempotency-key')
      assert.equal(await count(kind), before)
    })
}

test('a key of 255 visible characters is one, whatever they are', async () => {
  for (const key of ['x'.repeat(255), '"8e03978e-40d5-43dd"', "';--", '%00', '!~,']) {
    assert.equal((await post('todos', key)).status, 201)
    assert.equal((await post('todos', key)).headers['idempotency-replayed'], 'true', key)
  }
})

test("a key is its caller's own, on its own route", async () => {
  const bob = await signUp(t, 'bob')
  const key = newKey()
  const mine = await post('todos', key)
  const his = await post('todos', key, kinds.todos, bob)
  assert.equal(his.headers['idempotency-replayed'], undefined)
  assert.notEqual(his.body.id, mine.body.id)
  const elsewhere = await post('posts', key)
  assert.deepEqual([elsewhere.status, elsewhere.headers['idempotency-replayed']], [201, undefined])
})

test('the same caller on another device gets the stored answer', async () => {
  const key = newKey()
  const first = await post('posts', key)
  const again = await post('posts', key, kinds.posts, await alice.signInAgain())
  assert.deepEqual(toldBy(again), toldBy(first))
})

test('a stored answer stays what it was, also when the thing was changed or deleted since', async () => {
  const key = newKey()
  const first = await post('posts', key)
  const path = String(first.headers.location)
  const headers = { 'if-match': '*' }
  await t.call('PATCH', path, { token: alice.accessToken, headers, body: { title: 'changed' } })
  assert.deepEqual(toldBy(await post('posts', key)), toldBy(first))
  await t.call('DELETE', path, { token: alice.accessToken })
  assert.deepEqual(toldBy(await post('posts', key)), toldBy(first))
})

test('a stored answer is given to nobody whom the gate does not let in now', async () => {
  const eve = await signUp(t, 'eve')
  const key = newKey()
  const ended = await eve.signInAgain()
  assert.equal((await post('posts', key, kinds.posts, ended)).status, 201)
  await t.call('POST', 'logout', { token: ended.accessToken })
  assert.equal(show(await post('posts', key, kinds.posts, ended)), '401 session_ended')
  const headers = { 'idempotency-key': key }
  const anonymous = await t.call('POST', '/api/v2/posts', { headers, body: kinds.posts })
  assert.equal(show(anonymous), '401 invalid_token')
  await t.engine.db.deleteFrom('user_roles').where('user_id', '=', eve.user.id).execute()
  const roleless = await eve.signInAgain()
  assert.equal(show(await post('posts', key, kinds.posts, roleless)), '403 insufficient_permission')
})

test('a key stands for its answer for a day, and is new after it', async () => {
  const frank = await signUp(t, 'frank')
  const key = newKey()
  const first = await post('todos', key, kinds.todos, frank)
  t.clock.advance(day - 1)
  const later = await frank.signInAgain()
  assert.deepEqual(toldBy(await post('todos', key, kinds.todos, later)), toldBy(first))
  t.clock.advance(1)
  const anew = await post('todos', key, { title: 'two' }, later)
  assert.equal(anew.headers['idempotency-replayed'], undefined)
  assert.equal(anew.status, 201)
  assert.notEqual(anew.body.id, first.body.id)
  alice = await alice.signInAgain()
})

test('without a key every request takes effect', async () => {
  const before = await count('todos')
  for (let n = 0; n < 2; n++)
    await t.call('POST', '/api/v2/todos', { token: alice.accessToken, body: kinds.todos })
  assert.equal(await count('todos'), before + 2)
})

/** Sends a post over a connection of its own, with these keys, each in a header of its own. */
const send = async (port: number, sentKeys: readonly string[]): Promise<string> => {
  const asked = request({ host: '127.0.0.1', port, path: '/api/v2/posts', method: 'POST', agent: false })
  asked.setHeader('authorization', `Bearer ${alice.accessToken}`)
  asked.setHeader('content-type', 'application/json')
  asked.setHeader('idempotency-key', sentKeys)
  asked.end(JSON.stringify(kinds.posts))
  const [answer] = await once(asked, 'response')
  return `${answer.statusCode} ${await text(answer)}`
}

test('over real connections: fifty at once make one, and a key sent twice is refused', async () => {
  await t.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = t.app.server.address() as AddressInfo
  const before = await count('posts')
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(port, ['key-of-fifty'])))
  assert.equal(new Set(answers).size, 1)
  assert.match(answers[0] ?? '', /^201 /)
  assert.equal(await count('posts'), before + 1)
  for (const keys of [
    ['a', 'b'],
    ['a', 'a'],
    ['a', ''],
    ['', ''],
  ])
    assert.match(await send(port, keys), /^400 /)
  assert.equal(await count('posts'), before + 1)
})
