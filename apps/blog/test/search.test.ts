import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { SignedIn } from 'gatewright/testing'
import { listPostsBehind, postSorts, searchDepth, searchStep } from '../src/posts/list-posts-behind.ts'
import { addPost } from '../src/posts/posts.ts'
import { blogTables } from '../src/tables.ts'
import type { Call } from './call.ts'
import { createSeeded } from './seeded.ts'
import { signUp, startBlog, type TestBlog } from './start-blog.ts'

let t: TestBlog
let alice: SignedIn
before(async () => {
  t = await startBlog()
  alice = await signUp(t, 'alice')
})
after(() => t.close())
beforeEach(() => t.engine.db.deleteFrom('posts' as 'users').execute())

const add = (title: string, content: string, published = true) =>
  addPost(t.engine, { authorId: alice.user.id, title, content, published })

const search = async (q: string, token?: string): Promise<readonly string[]> => {
  const answer = await t.call('GET', `/api/v2/posts?limit=100&q=${encodeURIComponent(q)}`, { token })
  assert.equal(answer.status, 200, answer.text)
  return answer.body.data.map(({ id }: { id: string }) => id)
}

const fold = (text: string): string => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

test('a search finds exactly the posts whose title or content holds the text literally', async context => {
  const random = createSeeded(context)
  const characters = [...'%_\\*?\'"&=+#; aAbB0', 'é', 'É', '中', '𝔘', '\n']
  const write = (most: number): string =>
    Array.from({ length: 1 + random.below(most) }, () => random.pick(characters)).join('')
  const posts = []
  for (let n = 0; n < 60; n++) posts.push(await add(write(6), write(12)))
  for (let round = 0; round < 200; round++) {
    const q = write(3)
    const holds = ({ title, content }: { readonly title: string; readonly content: string }) =>
      fold(title).includes(fold(q)) || fold(content).includes(fold(q))
    assert.deepEqual(
      new Set(await search(q)),
      new Set(posts.filter(holds).map(({ id }) => id)),
      JSON.stringify(q),
    )
  }
})

for (const wild of ['%', '_', '%%', '__', '\\', '\\%', '*', '.*', "' or 1=1--", '?', '$1', 'a%', '[a-z]'])
  test(`${wild} finds nothing where no text holds it`, async () => {
    await add('abc', 'def')
    assert.deepEqual(await search(wild), [])
    const { id } = await add(`x${wild}y`, '')
    assert.deepEqual(await search(wild), [id])
  })

test("a search never finds a stranger's draft, and its author finds it", async () => {
  const { id } = await add('plan', 'the secret word', false)
  assert.deepEqual(await search('secret'), [])
  const bob = await signUp(t, 'bob')
  assert.deepEqual(await search('secret', bob.accessToken), [])
  assert.deepEqual(await search('secret', alice.accessToken), [id])
})

for (const [text, part] of [
  ['É', 'é'],
  ['\u212a', 'k'],
  ['ß', 'ss'],
  ['İ', 'i'],
] as const)
  test(`${part} is not a part of ${text}`, async () => {
    await add(text, text)
    assert.deepEqual(await search(part), [])
  })

test('an empty search finds everything', async () => {
  await add('a', 'b')
  assert.equal((await search('')).length, 1)
})

/** Newer posts, every second one a draft. */
const addHay = async (count: number) => {
  const now = t.clock.now()
  const rows = Array.from({ length: count }, (_, n) => ({
    id: String(n).padStart(22, '0'),
    author_id: alice.user.id,
    title: 'hay',
    content: 'hay',
    published: n % 2,
    created_at: now + 1 + n,
    updated_at: now,
  }))
  for (let at = 0; at < count; at += 500)
    await blogTables(t.engine.db)
      .insertInto('posts')
      .values(rows.slice(at, at + 500))
      .execute()
}

test('one page reads 2,000 posts at most; the cursor goes on, and nothing is missed', async () => {
  const early = [await add('needle 1', ''), await add('needle 2', '')]
  await addHay(4_500)
  for (const [token, pages] of [
    [undefined, 2],
    [alice.accessToken, 3],
  ] as const) {
    const found: string[] = []
    let asked = 0
    let cursor = ''
    for (; cursor !== 'null' && asked < 10; asked++) {
      const more = cursor === '' ? '' : `&cursor=${cursor}`
      const { body } = await t.call('GET', `/api/v2/posts?q=needle&limit=1${more}`, { token })
      found.push(...body.data.map(({ id }: { id: string }) => id))
      cursor = String(body.next_cursor)
      if (asked + 1 < pages) assert.deepEqual(body.data, [])
    }
    assert.deepEqual(new Set(found), new Set(early.map(({ id }) => id)))
    assert.equal(found.length, 2)
  }
})

for (const [newer, page] of [
  [1_999, 'first'],
  [2_000, 'second'],
] as const)
  test(`behind ${newer} newer posts a text is found with the ${page} page`, async () => {
    const { id } = await add('needle', '')
    await addHay(2 * newer)
    const first = (await t.call('GET', '/api/v2/posts?q=needle')).body
    const second = await t.call('GET', `/api/v2/posts?q=needle&cursor=${first.next_cursor}`)
    const found = page === 'first' ? first.data : second.body.data
    assert.deepEqual(
      found.map((post: { readonly id: string }) => post.id),
      [id],
    )
    if (page === 'second') assert.deepEqual(first.data, [])
  })

/** Counts the posts that searches read, their bytes and the turns of the event loop in between. */
const watchReads = () => {
  const steps: { posts: number; bytes: number; turn: number }[] = []
  let turn = 0
  const next = () => {
    turn += 1
    immediate = setImmediate(next)
  }
  let immediate = setImmediate(next)
  const db = t.engine.db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      const bytes = result.rows.map(({ title, content }) => Buffer.byteLength(`${title}${content}`))
      steps.push({ posts: bytes.length, bytes: bytes.reduce((sum, length) => sum + length, 0), turn })
      return result
    },
  })
  return { db, steps, stop: () => clearImmediate(immediate) }
}

for (const [what, letter] of [
  ['20,000 letters', 'a'],
  ['20,000 characters of four bytes', '😀'],
] as const)
  test(`attack: a text made to be slow, among posts of ${what}, reads a bounded part of them`, async () => {
    const content = letter.repeat(20_000)
    for (let n = 0; n < 120; n++) await add('slow', content)
    const { db, steps, stop } = watchReads()
    const sort = postSorts['-created_at']
    const page = await listPostsBehind(db, { sort, limit: 100, q: `b${letter.repeat(199)}` })
    stop()
    assert.deepEqual(page.rows, [])
    assert.ok(page.next)
    const size = Buffer.byteLength(content)
    const total = steps.reduce((sum, { bytes }) => sum + bytes, 0)
    assert.ok(total < searchDepth.bytes + (searchStep + 1) * (size + 100) * 2, `${total} bytes`)
    for (const { posts } of steps) assert.ok(posts <= searchStep + 1, `${posts} posts at once`)
  })

test('other requests have their turn after every step of a search', async () => {
  await addHay(1_000)
  const { db, steps, stop } = watchReads()
  await listPostsBehind(db, { sort: postSorts.title, limit: 20, q: 'no such text' })
  stop()
  assert.equal(steps.length, 20)
  assert.equal(new Set(steps.map(({ turn }) => turn)).size, steps.length)
})

test('where a text is found early, no more is read than fills the page', async () => {
  await addHay(1_000)
  const { db, steps, stop } = watchReads()
  const { rows } = await listPostsBehind(db, { sort: postSorts.title, limit: 20, q: 'HAY' })
  stop()
  assert.deepEqual([rows.length, steps.length], [20, 1])
})

test('a post that moves behind while others are read is listed once', async () => {
  await addHay(160)
  let moved: Promise<unknown> | undefined
  const move = () =>
    blogTables(t.engine.db)
      .updateTable('posts')
      .set({ updated_at: t.clock.now() + 1 })
      .where('id', '=', '1'.padStart(22, '0'))
      .execute()
  const db = t.engine.db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      // Not awaited: the connection is given back first, and the next step waits for it behind this.
      moved ??= move()
      return result
    },
  })
  const { rows } = await listPostsBehind(db, { sort: postSorts.updated_at, limit: 100, q: 'hay' })
  await moved
  assert.equal(rows.length, 80)
  assert.equal(new Set(rows.map(({ id }) => id)).size, 80)
})

test('of many searches at once all are answered or told to come back, and other reads go on', async () => {
  await addHay(1_000)
  const address = (n: number) => `192.0.2.${n}`
  const asked = Array.from({ length: 40 }, (_, n) =>
    t.call('GET', '/api/v2/posts?q=none', { address: address(n) }),
  )
  const other = await t.call('GET', '/api/v2/posts')
  assert.equal(other.status, 200)
  const answers = await Promise.all(asked)
  const refused = answers.filter(({ status }) => status !== 200)
  assert.ok(refused.length > 0)
  assert.ok(answers.length - refused.length >= 2 + 8)
  for (const { status, body, headers } of refused)
    assert.deepEqual([status, body.code, headers['retry-after']], [503, 'unavailable', '1'])
  assert.equal((await t.call('GET', '/api/v2/posts?q=none')).status, 200)
})

describe('the limit of searches', () => {
  let own: TestBlog
  before(async () => {
    own = await startBlog({ LIMITS_SCALE: '1' })
  })
  after(() => own.close())

  const ask = (query: string, call: Call) => own.call('GET', `/api/v2/posts${query}`, call)

  test('refuses the 31st of an address in a minute, and nothing else', async () => {
    const from = { address: '192.0.2.7' }
    for (let n = 0; n < 30; n++) assert.equal((await ask('?q=a', from)).status, 200)
    const { status, body, headers } = await ask('?q=b', from)
    assert.deepEqual([status, body.code, headers['retry-after']], [429, 'rate_limited', '2'])
    assert.match(String(headers['ratelimit-policy']), /"search-anonymous";q=30;w=60/)
    for (const query of ['', '?q=', '?limit=1']) assert.equal((await ask(query, from)).status, 200)
    assert.equal((await ask('?q=a', { address: '192.0.2.8' })).status, 200)
  })

  test('is 120 a minute for a user, from all addresses together', async () => {
    const { accessToken: token } = await signUp(own, 'carol')
    for (let n = 0; n < 120; n++)
      assert.equal((await ask('?q=a', { token, address: `192.0.2.${n}` })).status, 200)
    assert.equal((await ask('?q=a', { token, address: '192.0.2.200' })).status, 429)
  })
})
