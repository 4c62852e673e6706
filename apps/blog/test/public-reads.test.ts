import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { SignedIn } from 'gatewright/testing'
import type { Answer } from './call.ts'
import { signUp, startBlog, type TestBlog } from './start-blog.ts'

const listed = 'https://app.example.org'

let t: TestBlog
let alice: SignedIn
let bob: SignedIn
let published = ''
let draft = ''
before(async () => {
  t = await startBlog({ CORS_ORIGINS: listed })
  alice = await signUp(t, 'alice')
  bob = await signUp(t, 'bob')
  const add = async (body: object) =>
    (await t.call('POST', 'posts', { token: alice.accessToken, body })).body.id as string
  published = await add({ title: 'news', content: 'for all', published: true })
  draft = await add({ title: 'plan', content: 'for me' })
})
after(() => t.close())

/** Each public read, in both versions. */
const paths = () => [
  '/api/v1/posts',
  `/api/v1/posts/${published}`,
  `/api/v1/posts?user_id=${alice.user.id}`,
  '/api/v2/posts',
  `/api/v2/posts/${published}`,
  `/api/v2/posts?author=${alice.user.id}&sort=title&q=n`,
]

const vary = 'Authorization, Cookie, X-API-Key, Origin'
const isPublic = ({ headers }: Answer): boolean => /public|max-age/.test(String(headers['cache-control']))

describe('without a credential', () => {
  test('a read may be kept for ten seconds, varies on everything that a credential may stand in, and sets nothing', async () => {
    for (const path of paths())
      for (const headers of [{}, { origin: listed }, { origin: 'https://evil.example' }, { cookie: 'a=b' }])
        for (const method of ['GET', 'HEAD']) {
          const answer = await t.call(method, path, { headers })
          assert.equal(answer.status, 200, answer.text)
          assert.equal(answer.headers['cache-control'], 'public, max-age=10', path)
          assert.equal(answer.headers.vary, vary)
          assert.match(String(answer.headers.etag), /^"[\w-]+"$/)
          assert.equal(answer.headers['set-cookie'], undefined)
          assert.ok(!answer.text.includes('for me'))
        }
  })

  test('an answer that a cache has is 304, with the headers that it must refresh', async () => {
    for (const path of paths()) {
      const first = await t.call('GET', path)
      const etag = String(first.headers.etag)
      for (const method of ['GET', 'HEAD'])
        for (const header of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
          const again = await t.call(method, path, { headers: { 'if-none-match': header } })
          assert.deepEqual([again.status, again.text], [304, ''], `${path} ${header}`)
          for (const name of ['etag', 'cache-control', 'vary'])
            assert.equal(again.headers[name], first.headers[name])
        }
      const other = await t.call('GET', path, { headers: { 'if-none-match': '"other"' } })
      assert.equal(other.text, first.text)
    }
  })

  test('HEAD and GET have one ETag, and another answer has another', async () => {
    for (const path of paths()) {
      const [head, get] = [await t.call('HEAD', path), await t.call('GET', path)]
      assert.equal(head.headers.etag, get.headers.etag)
      assert.equal(head.headers['content-length'], get.headers['content-length'])
    }
    const body = { title: 'newer', content: 'n', published: true }
    const before = await Promise.all(paths().map(path => t.call('GET', path)))
    await t.call('PUT', `posts/${published}`, { token: alice.accessToken, body: { content: 'changed' } })
    await t.call('POST', 'posts', { token: alice.accessToken, body })
    const after = await Promise.all(paths().map(path => t.call('GET', path)))
    for (const [at, answer] of after.entries())
      assert.notEqual(answer.headers.etag, before[at]?.headers.etag, `${paths()[at]}`)
  })

  test('what is refused may be kept by nobody', async () => {
    const refused = [
      `/api/v1/posts/${draft}`,
      `/api/v2/posts/${draft}`,
      '/api/v2/posts/AAAAAAAAAAAAAAAAAAAAAA',
      '/api/v1/posts?page=0',
      '/api/v2/posts?cursor=x',
      '/api/v2/posts?sort=x',
      '/api/v2/todos',
      '/api/v1/nowhere',
    ]
    for (const path of refused)
      for (const headers of [{}, { 'if-none-match': '*' }]) {
        const answer = await t.call('GET', path, { headers })
        assert.ok(answer.status >= 400, path)
        assert.equal(answer.headers['cache-control'], 'no-store', path)
        assert.equal(answer.headers.etag, undefined)
      }
  })

  test('a read over the limit may be kept by nobody', async () => {
    const own = await startBlog({ LIMITS_SCALE: '1' })
    let last: Answer | undefined
    for (let n = 0; n < 301; n++) last = await own.call('GET', '/api/v2/posts')
    assert.deepEqual([last?.status, last?.headers['cache-control']], [429, 'no-store'])
    assert.equal(last?.headers.etag, undefined)
    await own.close()
  })
})

describe('with a credential', () => {
  test('no answer may be kept, refused or not, wrong or right, with or without If-None-Match', async () => {
    const signedOut = await signUp(t, 'carol')
    await t.call('POST', 'logout', { token: signedOut.accessToken })
    const credentials = [
      { authorization: `Bearer ${alice.accessToken}` },
      { authorization: `Bearer ${bob.accessToken}` },
      { authorization: `Bearer ${signedOut.accessToken}` },
      { authorization: 'Bearer x' },
      { authorization: '' },
      { authorization: 'Basic YTpi' },
      { 'x-api-key': 'gwk_x' },
      { 'x-api-key': '' },
    ]
    for (const path of paths()) {
      const { headers } = await t.call('GET', path)
      for (const credential of credentials)
        for (const more of [{}, { 'if-none-match': String(headers.etag) }]) {
          const answer = await t.call('GET', path, { headers: { ...credential, ...more } })
          assert.ok(!isPublic(answer), `${path} ${Object.keys(credential)}`)
          assert.equal(answer.headers['cache-control'], 'no-store')
        }
    }
  })

  test("a list is never 304 for a stranger's answer", async () => {
    for (const path of ['/api/v1/posts', '/api/v2/posts']) {
      const anonymous = await t.call('GET', path)
      const headers = { 'if-none-match': String(anonymous.headers.etag) }
      const mine = await t.call('GET', path, { token: alice.accessToken, headers })
      assert.deepEqual([mine.status, mine.text.includes('for me')], [200, true])
    }
  })
})

/** A shared cache as RFC 9111 describes it: it keeps what it may, by address and the headers that Vary names. */
const createCache = () => {
  const kept = new Map<string, { readonly answer: Answer; readonly until: number }>()
  const vary = new Map<string, readonly string[]>()
  const keyOf = (path: string, headers: Readonly<Record<string, string>>) =>
    JSON.stringify([path, (vary.get(path) ?? []).map(name => headers[name.toLowerCase()] ?? null)])
  return async (path: string, headers: Readonly<Record<string, string>>) => {
    const known = kept.get(keyOf(path, headers))
    if (known !== undefined && known.until > t.clock.now()) return { answer: known.answer, isHit: true }
    const answer = await t.call('GET', path, { headers })
    if (isPublic(answer) && answer.status === 200) {
      vary.set(path, String(answer.headers.vary).split(', '))
      kept.set(keyOf(path, headers), { answer, until: t.clock.now() + 10_000 })
    }
    return { answer, isHit: false }
  }
}

test("behind a shared cache nobody gets another's answer, in any order of asking", async () => {
  const callers = [
    {},
    { authorization: `Bearer ${alice.accessToken}` },
    { authorization: `Bearer ${bob.accessToken}` },
    { 'x-api-key': 'gwk_x' },
    { origin: listed },
  ]
  const orders = callers.map((_, first) => [...callers.slice(first), ...callers.slice(0, first)])
  const strip = ({ status, body, text }: Answer) => (status === 200 ? [status, text] : [status, body.code])
  for (const order of orders) {
    const throughCache = createCache()
    for (const path of paths())
      for (const headers of [...order, ...order]) {
        const { answer, isHit } = await throughCache(path, headers)
        assert.deepEqual(strip(answer), strip(await t.call('GET', path, { headers })))
        if (isHit) assert.ok(!('authorization' in headers) && !('x-api-key' in headers))
        const allowed = answer.headers['access-control-allow-origin']
        assert.equal(allowed, 'origin' in headers ? listed : undefined)
      }
    const { isHit } = await throughCache('/api/v2/posts', {})
    assert.ok(isHit, 'the cache is of use')
  }
})

test('answers vary on the headers in which this server looks for a credential', async () => {
  const rows = [
    { settings: { TOKEN_HEADER: 'X-Token' }, expected: 'X-Token, Cookie, X-API-Key, Origin' },
    { settings: { API_KEY_HEADER: 'X-Key' }, expected: 'Authorization, Cookie, X-Key, Origin' },
    { settings: { CREDENTIALS: 'bearer' }, expected: 'Authorization, X-API-Key, Origin' },
    { settings: { CREDENTIALS: 'cookie' }, expected: vary },
  ] as const
  for (const { settings, expected } of rows) {
    const own = await startBlog(settings)
    const { headers } = await own.call('GET', '/api/v2/posts')
    assert.equal(headers.vary, expected)
    await own.close()
  }
})
