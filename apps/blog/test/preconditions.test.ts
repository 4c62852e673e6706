import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SignedIn } from 'gatewright/testing'
import { changePost, deletePost } from '../src/posts/posts.ts'
import { changeTodo, deleteTodo } from '../src/todos/todos.ts'
import { show } from './call.ts'
import { signUp, startBlog, type TestBlog } from './start-blog.ts'

let t: TestBlog
let alice: SignedIn
let moderator: SignedIn
before(async () => {
  t = await startBlog()
  alice = await signUp(t, 'alice')
  moderator = await signUp(t, 'mia', ['user', 'moderator'])
})
after(() => t.close())

const kinds = {
  posts: { title: 'one', content: 'text', published: true },
  todos: { title: 'one' },
} as const
type Kind = keyof typeof kinds
const kindNames = Object.keys(kinds) as Kind[]

const add = async (kind: Kind): Promise<string> => {
  const made = await t.call('POST', `/api/v2/${kind}`, { token: alice.accessToken, body: kinds[kind] })
  assert.equal(made.status, 201, made.text)
  assert.equal(made.headers.location, `/api/v2/${kind}/${made.body.id}`)
  assert.equal(made.headers.etag, '"1"')
  return String(made.headers.location)
}

const patch = (path: string, ifMatch: string | undefined, body: unknown = { title: 'two' }) =>
  t.call('PATCH', path, {
    token: alice.accessToken,
    body,
    headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
  })

const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  t.call('GET', path, { token: alice.accessToken, headers })

for (const kind of kindNames) {
  test(`${kind}: a change without If-Match is 428, and with an old version 412; neither changes anything`, async () => {
    const path = await add(kind)
    assert.equal((await patch(path, '"1"')).headers.etag, '"2"')
    const before = (await get(path)).text
    assert.equal(show(await patch(path, undefined)), '428 precondition_required')
    for (const stale of ['"1"', '"3"', 'W/"2"', '2', '"02"', '', 'W/"2", "1"', '"99999999999999999999"'])
      assert.equal(show(await patch(path, stale)), '412 precondition_failed', stale)
    assert.equal((await get(path)).text, before)
  })

  test(`${kind}: lost update: of twenty changes made from one version one takes effect`, async () => {
    const path = await add(kind)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => patch(path, '"1"', { title: `change ${n}` })),
    )
    const statuses = answers.map(({ status }) => status).sort()
    assert.deepEqual(statuses, [200, ...Array(19).fill(412)])
    const kept = await get(path)
    assert.deepEqual(kept.text, answers.find(({ status }) => status === 200)?.text)
    assert.equal(kept.headers.etag, '"2"')
  })

  test(`${kind}: If-Match takes any version, a list, and the present one`, async () => {
    const path = await add(kind)
    for (const [at, header] of ['*', '"7", "2"', 'W/"9", "3"', '"4"'].entries()) {
      const answer = await patch(path, header, { title: header })
      assert.deepEqual([answer.status, answer.headers.etag], [200, `"${at + 2}"`], header)
    }
  })

  test(`${kind}: a deletion with an old version is 412 and deletes nothing`, async () => {
    const path = await add(kind)
    const remove = (headers: Readonly<Record<string, string>>) =>
      t.call('DELETE', path, { token: alice.accessToken, headers })
    for (const header of ['"2"', 'W/"1"', 'x'])
      assert.equal(show(await remove({ 'if-match': header })), '412 precondition_failed')
    assert.equal((await get(path)).status, 200)
    assert.equal((await remove({ 'if-match': '"1"' })).status, 204)
    assert.equal(show(await remove({ 'if-match': '*' })), '404 not_found')
    assert.equal((await t.call('DELETE', await add(kind), { token: alice.accessToken })).status, 204)
  })

  test(`${kind}: a change of version 1 raises the version, too`, async () => {
    const path = await add(kind)
    const v1 = path.replace('/v2/', '/v1/')
    assert.equal((await t.call('PUT', v1, { token: alice.accessToken, body: { title: 'v1' } })).status, 200)
    assert.equal(show(await patch(path, '"1"')), '412 precondition_failed')
    const read = await get(path)
    assert.deepEqual([read.body.title, read.headers.etag], ['v1', '"2"'])
  })

  test(`${kind}: If-None-Match is 304 without a body where it fits, weakly, in a list, or with a star`, async () => {
    const path = await add(kind)
    for (const header of ['"1"', 'W/"1"', '"x", "1"', 'W/"x",W/"1" ,', '*']) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await t.call(method, path, {
          token: alice.accessToken,
          headers: { 'if-none-match': header },
        })
        assert.deepEqual([answer.status, answer.text, answer.headers.etag], [304, '', '"1"'], header)
        assert.equal(answer.headers['cache-control'], 'no-store')
        assert.equal(answer.headers['content-type'], undefined)
      }
    }
    for (const header of ['"2"', '1', '"1', '', 'w/"1"', '"2", "3"', '"1" "2"'])
      assert.equal((await get(path, { 'if-none-match': header })).status, 200, header)
    await patch(path, '"1"')
    assert.equal((await get(path, { 'if-none-match': '"1"' })).status, 200)
  })

  for (const body of [{}, { title: 'a', unknown: 1 }, { id: 'x' }, { version: 9 }, { title: null }, [], null])
    test(`${kind}: a change to ${JSON.stringify(body)} is refused`, async () => {
      const path = await add(kind)
      const answer = await patch(path, '"1"', body ?? 'null')
      assert.ok([400, 415].includes(answer.status), answer.text)
      assert.equal((await get(path)).headers.etag, '"1"')
    })

  test(`${kind}: what is not given stays`, async () => {
    const path = await add(kind)
    const before = (await get(path)).body
    t.clock.advance(1_000)
    const { body } = await patch(path, '*', { title: 'new' })
    assert.deepEqual({ ...body, updated_at: '' }, { ...before, title: 'new', updated_at: '' })
    assert.notEqual(body.updated_at, before.updated_at)
  })
}

test('a stranger learns nothing of a version: 404 comes before 428 and 412', async () => {
  const path = await add('todos')
  for (const headers of [{}, { 'if-match': '"1"' }, { 'if-match': '"9"' }])
    for (const method of ['PATCH', 'DELETE']) {
      const answer = await t.call(method, path, {
        token: moderator.accessToken,
        headers,
        ...(method === 'PATCH' && { body: { title: 'x' } }),
      })
      assert.equal(show(answer), '404 not_found')
    }
  const unconditional = await t.call('GET', path, {
    token: moderator.accessToken,
    headers: { 'if-none-match': '*' },
  })
  assert.equal(show(unconditional), '404 not_found')
})

test('what was deleted after the gate looked is not found, whatever version was meant', async () => {
  const gone = { id: 'A'.repeat(22), versions: [1] }
  const origin = { actor: alice.user.id, address: null, requestId: null }
  for (const refuse of [
    () => changePost(t.engine, { ...gone, origin }, { title: 'x' }),
    () => deletePost(t.engine, { ...gone, origin }),
    () => changeTodo(t.engine, { ...gone, ownerId: alice.user.id }, { title: 'x' }),
    () => deleteTodo(t.engine.db, { ...gone, ownerId: alice.user.id }),
  ])
    await assert.rejects(refuse, { code: 'not_found' })
})

test("a moderator's change is recorded, and a refused one is not", async () => {
  const path = await add('posts')
  const events = () =>
    t.engine.db
      .selectFrom('audit_events')
      .select('event')
      .where('event', 'like', 'post.%')
      .where('actor', '=', moderator.user.id)
      .execute()
  const change = (ifMatch: string) =>
    t.call('PATCH', path, {
      token: moderator.accessToken,
      body: { title: 'mild' },
      headers: { 'if-match': ifMatch },
    })
  assert.equal(show(await change('"9"')), '412 precondition_failed')
  assert.deepEqual(await events(), [])
  assert.equal((await change('"1"')).status, 200)
  const remove = (ifMatch: string) =>
    t.call('DELETE', path, { token: moderator.accessToken, headers: { 'if-match': ifMatch } })
  assert.equal(show(await remove('"1"')), '412 precondition_failed')
  assert.equal((await remove('"2"')).status, 204)
  assert.deepEqual(
    (await events()).map(({ event }) => event),
    ['post.changed-by-moderator', 'post.deleted-by-moderator'],
  )
})

for (const due of ['tomorrow', '2026-11-21', '2026-11-21T23:59:60Z', '1969-12-31T23:59:59Z', 5, true, ''])
  test(`a todo is not due at ${JSON.stringify(due)}`, async () => {
    const body = { title: 'x', due_at: due }
    const made = await t.call('POST', '/api/v2/todos', { token: alice.accessToken, body })
    assert.equal(show(made), '400 validation_failed')
    assert.equal(made.body.errors[0].path, '/due_at')
    assert.equal(show(await patch(await add('todos'), '*', { due_at: due })), '400 validation_failed')
  })

test('a due time is kept in UTC, taken away by null, and unknown to version 1', async () => {
  const body = { title: 'x', due_at: '2027-01-01T08:00:00+08:00' }
  const made = await t.call('POST', '/api/v2/todos', { token: alice.accessToken, body })
  assert.equal(made.body.due_at, '2027-01-01T00:00:00.000Z')
  const path = String(made.headers.location)
  assert.equal((await patch(path, '"1"', { done: true })).body.due_at, '2027-01-01T00:00:00.000Z')
  assert.equal((await patch(path, '"2"', { due_at: null })).body.due_at, null)
  const v1 = path.replace('/v2/', '/v1/')
  assert.ok(!('due_at' in (await get(v1)).body))
  const put = await t.call('PUT', v1, { token: alice.accessToken, body: { due_at: null } })
  assert.equal(show(put), '400 validation_failed')
})
