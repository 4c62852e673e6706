import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SignedIn } from 'gatewright/testing'
import { changePost, getPost, listPosts } from '../src/posts/posts.ts'
import { signUp, startBlog, type TestBlog } from './start-blog.ts'

let t: TestBlog
let author: SignedIn
before(async () => {
  t = await startBlog()
  author = await signUp(t, 'author')
})
after(() => t.close())

const publish = async (): Promise<string> => {
  const post = { title: 'news', content: 'for everybody', published: true }
  return (await t.call('POST', 'posts', { token: author.accessToken, body: post })).body.id
}

/** What its author makes of a post while somebody reads it. */
const hide = (id: string) =>
  changePost(
    t.engine,
    { id, origin: { actor: author.user.id, address: null, requestId: null } },
    { published: false, content: 'a secret draft' },
  )

test('a list read while a post becomes a draft never holds the draft', async () => {
  const id = await publish()
  const [{ posts }] = await Promise.all([listPosts(t.engine.db, { page: 1, perPage: 10 }), hide(id)])
  assert.equal(posts.filter(post => post.published === 0 || post.content.includes('secret')).length, 0)
})

test('a post that became a draft after the gate looked is not found', async () => {
  const id = await publish()
  await hide(id)
  for (const reader of [{ seesDrafts: false }, { userId: 'somebody', seesDrafts: false }])
    await assert.rejects(getPost(t.engine.db, id, reader), { code: 'not_found' })
  assert.equal((await getPost(t.engine.db, id, { userId: author.user.id, seesDrafts: false })).id, id)
  assert.equal((await getPost(t.engine.db, id, { seesDrafts: true })).id, id)
})
