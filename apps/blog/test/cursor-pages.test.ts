import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SignedIn } from 'gatewright/testing'
import { postSorts } from '../src/posts/list-posts-behind.ts'
import { addPost, changePost, deletePost } from '../src/posts/posts.ts'
import type { PostRow, TodoRow } from '../src/tables.ts'
import { todoSorts } from '../src/todos/list-todos-behind.ts'
import { addTodo, changeTodo, deleteTodo } from '../src/todos/todos.ts'
import { createSeeded, type Seeded } from './seeded.ts'
import { signUp, startBlog, type TestBlog } from './start-blog.ts'

let t: TestBlog
let alice: SignedIn
let bob: SignedIn
before(async () => {
  t = await startBlog()
  alice = await signUp(t, 'alice')
  bob = await signUp(t, 'bob')
})
after(() => t.close())

type Item = { readonly id: string } & Readonly<Record<string, string | boolean | null>>

const originOf = ({ user }: SignedIn) => ({ actor: user.id, address: null, requestId: null })

/** Reads a list page by page; what `between` does happens after each page. */
const readAll = async (
  path: string,
  { token, between }: { readonly token?: string | undefined; readonly between?: () => Promise<void> },
): Promise<readonly Item[]> => {
  const items: Item[] = []
  let cursor: string | null = ''
  for (let page = 0; cursor !== null; page++) {
    assert.ok(page < 200, 'the list has no end')
    const answer = await t.call('GET', cursor === '' ? path : `${path}&cursor=${cursor}`, { token })
    assert.equal(answer.status, 200, answer.text)
    items.push(...answer.body.data)
    cursor = answer.body.next_cursor
    assert.ok(cursor === null || answer.body.data.length > 0, 'an empty page has a next one')
    // Whoever adds at the end for ever keeps a reader reading for ever.
    if (cursor !== null && page < 15) await between?.()
  }
  return items
}

/** As a reader sees the order: by the key, what has none last. */
const isInOrder = (name: string, a: Item, b: Item): boolean => {
  const field = name.replace('-', '')
  const direction = name.startsWith('-') ? -1 : 1
  const [left, right] = [a[field] ?? null, b[field] ?? null]
  // Of one key, the order of the ids is the database's: the same on every page.
  if (left === right) return true
  if (left === null || right === null) return right === null
  return direction * Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right))) < 0
}

/** Few of each, so that many rows have the same key. */
const titles = ['', 'a', 'A', 'b', 'É', '中', '\uffff', '𝔘', 'a b', '%'].map(title => `${title}.`)

const addRandomPost = (random: Seeded) => {
  t.clock.advance(random.below(2))
  const { id: authorId } = random.pick([alice, bob]).user
  return addPost(t.engine, {
    authorId,
    title: random.pick(titles),
    content: 'text',
    published: !random.oneIn(4),
  })
}

for (const sort of Object.keys(postSorts))
  test(`no post that is there throughout is missed or seen twice, while others come and go: ${sort}`, async context => {
    const random = createSeeded(context)
    for (let round = 0; round < 6; round++) {
      await t.engine.db.deleteFrom('posts' as 'users').execute()
      const posts: PostRow[] = []
      for (let n = random.below(60); n >= 0; n--) posts.push(await addRandomPost(random))
      const touched = new Set<string>()
      const between = async () => {
        for (let n = random.below(4); n > 0; n--) touched.add((await addRandomPost(random)).id)
        const { id, author_id } = random.pick(posts)
        if (touched.has(id) || random.oneIn(3)) return
        touched.add(id)
        await deletePost(t.engine, {
          id,
          origin: originOf(alice.user.id === author_id ? alice : bob),
        })
      }
      const reader = random.pick([undefined, alice, bob])
      const author = random.pick([undefined, alice])
      const filter = author === undefined ? '' : `&author=${author.user.id}`
      const path = `/api/v2/posts?limit=${1 + random.below(7)}&sort=${sort}${filter}`
      const seen = await readAll(path, { token: reader?.accessToken, between })

      const ids = seen.map(({ id }) => id)
      assert.equal(new Set(ids).size, ids.length, 'a post was seen twice')
      const expected = posts.filter(
        post =>
          (post.published === 1 || post.author_id === reader?.user.id) &&
          (author === undefined || post.author_id === author.user.id),
      )
      for (const post of expected.filter(({ id }) => !touched.has(id)))
        assert.ok(ids.includes(post.id), 'a post was missed')
      for (const [index, item] of seen.entries()) {
        assert.ok(
          item.published === true || item.user_id === reader?.user.id,
          "a stranger's draft was listed",
        )
        const next = seen[index + 1]
        assert.ok(next === undefined || isInOrder(sort, item, next), `${sort} is out of order`)
      }
    }
  })

test('a post that is changed between pages moves nothing else', async () => {
  await t.engine.db.deleteFrom('posts' as 'users').execute()
  const random = createSeeded({ diagnostic: () => {} }, 7)
  const posts: PostRow[] = []
  for (let n = 0; n < 12; n++) posts.push(await addRandomPost(random))
  const seen = await readAll('/api/v2/posts?limit=3&sort=updated_at', {
    between: async () => {
      t.clock.advance(1)
      const [first] = posts
      await changePost(t.engine, { id: first?.id ?? '', origin: originOf(alice) }, { content: 'new' })
    },
  })
  const others = posts.slice(1).filter(({ published }) => published === 1)
  for (const { id } of others) assert.equal(seen.filter(item => item.id === id).length, 1)
})

for (const sort of Object.keys(todoSorts))
  test(`no todo that is there throughout is missed or seen twice, while others come and go: ${sort}`, async context => {
    const random = createSeeded(context)
    const add = ({ user: { id: ownerId } }: SignedIn) => {
      t.clock.advance(random.below(2))
      const dueAt = random.oneIn(3) ? null : random.below(4)
      return addTodo(t.engine, { ownerId, title: random.pick(titles), done: random.oneIn(2), dueAt })
    }
    for (let round = 0; round < 6; round++) {
      await t.engine.db.deleteFrom('todos' as 'users').execute()
      const todos: TodoRow[] = []
      for (let n = random.below(40); n >= 0; n--) {
        todos.push(await add(alice))
        await add(bob)
      }
      const touched = new Set<string>()
      const between = async () => {
        touched.add((await add(alice)).id)
        const { id } = random.pick(todos)
        if (touched.has(id)) return
        touched.add(id)
        await deleteTodo(t.engine.db, { id, ownerId: alice.user.id })
      }
      const before = random.pick([undefined, 2])
      const done = random.pick([undefined, true, false])
      const filters = [
        ...(before === undefined ? [] : [`&due_before=${new Date(before).toISOString()}`]),
        ...(done === undefined ? [] : [`&done=${done}`]),
      ].join('')
      const path = `/api/v2/todos?limit=${1 + random.below(7)}&sort=${sort}${filters}`
      const seen = await readAll(path, { token: alice.accessToken, between })
      const ids = seen.map(({ id }) => id)
      assert.equal(new Set(ids).size, ids.length, 'a todo was seen twice')
      const isExpected = (todo: (typeof todos)[number]): boolean =>
        (done === undefined || todo.done === Number(done)) &&
        (before === undefined || (todo.due_at !== null && todo.due_at < before))
      const owned = new Map(todos.map(todo => [todo.id, todo]))
      for (const todo of todos.filter(({ id }) => !touched.has(id)))
        assert.equal(ids.includes(todo.id), isExpected(todo))
      for (const [index, item] of seen.entries()) {
        assert.ok(owned.has(item.id) || touched.has(item.id), "another's todo was listed")
        const next = seen[index + 1]
        assert.ok(next === undefined || isInOrder(sort, item, next), `${sort} is out of order`)
      }
    }
  })

test('a todo without a due time stands last, upwards and downwards', async () => {
  await t.engine.db.deleteFrom('todos' as 'users').execute()
  for (const dueAt of [null, 2, 1, null, 3])
    await addTodo(t.engine, { ownerId: alice.user.id, title: 'x', done: false, dueAt })
  const read = async (sort: string) => {
    const items = await readAll(`/api/v2/todos?limit=2&sort=${sort}`, { token: alice.accessToken })
    return items.map(({ due_at }) => due_at && Date.parse(String(due_at)))
  }
  assert.deepEqual(await read('due_at'), [1, 2, 3, null, null])
  assert.deepEqual(await read('-due_at'), [3, 2, 1, null, null])
})

const cursorOf = async (path: string, token?: string): Promise<string> => {
  const { body } = await t.call('GET', path, { token })
  assert.equal(typeof body.next_cursor, 'string', JSON.stringify(body))
  return body.next_cursor
}

const fill = async () => {
  for (let n = 0; n < 3; n++) {
    await addPost(t.engine, { authorId: bob.user.id, title: 'public', content: '', published: true })
    await addTodo(t.engine, { ownerId: alice.user.id, title: 'mine', done: false })
  }
}

const refuseCursor = async (path: string, token?: string) => {
  const answer = await t.call('GET', path, { token })
  assert.equal(`${answer.status} ${answer.body.code}`, '400 validation_failed', path)
  assert.equal(answer.body.errors[0].path, '/cursor', answer.text)
}

test('a cursor with another sort, another filter or another list is refused', async () => {
  await fill()
  const cursor = await cursorOf('/api/v2/posts?limit=1&sort=title&q=u')
  for (const query of [
    'q=u',
    'sort=-title&q=u',
    'sort=created_at&q=u',
    'sort=title',
    'sort=title&q=U',
    `sort=title&q=u&author=${bob.user.id}`,
  ])
    await refuseCursor(`/api/v2/posts?${query}&cursor=${cursor}`)
  await refuseCursor(`/api/v2/todos?sort=title&cursor=${cursor}`, alice.accessToken)
  const todos = await cursorOf('/api/v2/todos?limit=1', alice.accessToken)
  await refuseCursor(`/api/v2/posts?cursor=${todos}`)
  for (const query of ['done=false', 'due_before=2030-01-01T00:00:00Z', 'sort=due_at'])
    await refuseCursor(`/api/v2/todos?${query}&cursor=${todos}`, alice.accessToken)
  const other = await t.call('GET', `/api/v2/posts?sort=title&q=u&limit=2&cursor=${cursor}`)
  assert.equal(other.status, 200, 'another limit is the same list')
})

test('a cursor that is broken or made up is refused, and never a failure', async () => {
  await fill()
  const write = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const [path, key] of [
    ['/api/v2/posts?limit=1', 1],
    ['/api/v2/posts?limit=1&sort=title', 'a'],
  ] as const) {
    const good = await cursorOf(path)
    const [mark, , id] = JSON.parse(Buffer.from(good, 'base64url').toString())
    const keys = [null, true, [], {}, 1.5, 1e300, -0.1, '\0', '\ud800', { $ne: 1 }, [1]]
    const made = [
      ...keys.map(value => [mark, value, id]),
      [mark, typeof key === 'number' ? 'a' : 1, id],
      ...[null, 1, '', `${id}'`, id.slice(1), `${id}a`, { id }, '\0'.repeat(22)].map(value => [
        mark,
        key,
        value,
      ]),
      [mark],
      ['', key, id],
      [],
      {},
      null,
      'text',
      7,
      { mark, key, id },
    ]
    const texts = ['a', '!', '%00', good.slice(1), good.slice(0, -4), `${good}!!`, 'e30', 'x'.repeat(4_999)]
    for (const cursor of [...texts, ...made.map(write)])
      if (cursor !== `${good}!!`) await refuseCursor(`${path}&cursor=${cursor}`)
    for (const cursor of ['', 'x'.repeat(5_001)]) await refuseCursor(`${path}&cursor=${cursor}`)
    assert.equal((await t.call('GET', `${path}&cursor=${write([mark, key, id])}`)).status, 200)
  }
})

test("a cursor shows nobody what is not theirs: another's cursor gives one's own page", async () => {
  await t.engine.db.deleteFrom('posts' as 'users').execute()
  await fill()
  const draft = await addPost(t.engine, {
    authorId: alice.user.id,
    title: 'zz',
    content: '',
    published: false,
  })
  const cursor = await cursorOf('/api/v2/posts?limit=1&sort=-title', alice.accessToken)
  assert.ok(Buffer.from(cursor, 'base64url').toString().includes(draft.id))
  const { body } = await t.call('GET', `/api/v2/posts?limit=100&sort=-title&cursor=${cursor}`)
  assert.ok(body.data.length > 0)
  for (const post of body.data) assert.equal(post.published, true)
  const todos = await cursorOf('/api/v2/todos?limit=1', alice.accessToken)
  const others = await t.call('GET', `/api/v2/todos?cursor=${todos}`, { token: bob.accessToken })
  for (const todo of others.body.data) assert.notEqual(todo.title, 'mine')
})

for (const query of [
  'limit=0',
  'limit=101',
  'limit=1.5',
  'limit=-1',
  'limit=Infinity',
  'limit=a',
  'sort=content',
  'sort=--title',
  'sort=constructor',
  'sort=Title',
  'author=me',
  'q=%00',
  `q=${'x'.repeat(201)}`,
  'page=1',
  'limit=1&limit=2',
])
  test(`a list of posts does not take ${query.slice(0, 20)}`, async () => {
    assert.equal((await t.call('GET', `/api/v2/posts?${query}`)).body.code, 'validation_failed')
  })

for (const query of [
  'done=yes',
  'done=2',
  'due_before=tomorrow',
  'due_before=2026-11-21T23:59:60Z',
  'due_before=1960-01-01T00:00:00Z',
  'due_before=2026-11-21T12:00:00',
  'sort=due',
  'q=a',
])
  test(`a list of todos does not take ${query}`, async () => {
    const answer = await t.call('GET', `/api/v2/todos?${query}`, { token: alice.accessToken })
    assert.equal(answer.body.code, 'validation_failed', answer.text)
  })

test('a page has 20 items where nothing else is asked, newest first', async () => {
  await t.engine.db.deleteFrom('posts' as 'users').execute()
  for (let n = 0; n < 21; n++) {
    t.clock.advance(1)
    await addPost(t.engine, { authorId: bob.user.id, title: `${n}`, content: '', published: true })
  }
  const { body } = await t.call('GET', '/api/v2/posts')
  assert.deepEqual(Object.keys(body), ['data', 'next_cursor'])
  assert.deepEqual(
    body.data.map(({ title }: Item) => Number(title)),
    Array.from({ length: 20 }, (_, n) => 20 - n),
  )
  const last = await t.call('GET', `/api/v2/posts?cursor=${body.next_cursor}`)
  assert.deepEqual([last.body.data.length, last.body.next_cursor], [1, null])
})

test('changing a todo changes what the list shows of it', async () => {
  const { id } = await addTodo(t.engine, { ownerId: alice.user.id, title: 'due', done: false, dueAt: 5 })
  await changeTodo(t.engine, { ownerId: alice.user.id, id }, { dueAt: null })
  const items = await readAll('/api/v2/todos?limit=100', { token: alice.accessToken })
  assert.equal(items.find(item => item.id === id)?.due_at, null)
})
