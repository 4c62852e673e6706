import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { addPost } from '../../apps/blog/src/posts/posts.ts'
import { blogTables } from '../../apps/blog/src/tables.ts'
import { type Caller, signUp, startTestApp, type TestApp } from '../harness.ts'
import { createSeeded } from '../sessions/seeded.ts'

let t: TestApp
let alice: Caller
before(async () => {
  t = await startTestApp()
  alice = await signUp(t, 'alice')
})
after(() => t.close())
beforeEach(() => t.engine.db.deleteFrom('posts' as 'users').execute())

const add = (title: string, content: string, published = true) =>
  addPost(t.engine, { authorId: alice.id, title, content, published })

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
  assert.deepEqual(await search('secret', bob.access), [])
  assert.deepEqual(await search('secret', alice.access), [id])
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
    author_id: alice.id,
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
    [alice.access, 3],
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
