import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Caller, signUp } from '../harness.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Asked, type BehindNginx, type ProxyAnswer, startBehindNginx } from './behind-nginx.ts'

const program = await findNginx()

const corsOrigins = ['https://one.test', 'https://two.test']

describe('the cache of nginx', { skip: typeof program === 'string' && program }, () => {
  let b: BehindNginx
  let alice: Caller
  let bob: Caller
  before(async () => {
    assert.ok(typeof program === 'object')
    b = await startBehindNginx(program, { settings: { corsOrigins } })
    alice = await signUp(b.t, 'alice')
    bob = await signUp(b.t, 'bob')
  })
  after(() => b?.close())

  const bearer = ({ access }: Caller): Asked => ({ headers: { authorization: `Bearer ${access}` } })

  const write = async (title: string, published: boolean, content = 'x'): Promise<string> => {
    const body = JSON.stringify({ title, content, published })
    const answer = await b.ask('posts', { method: 'POST', body, ...bearer(alice) })
    assert.equal(answer.status, 201, answer.text)
    return String(answer.body?.id)
  }

  /** Whether nginx answered by itself: the server has not seen the request. */
  const wasKept = ({ lines }: ProxyAnswer): boolean => {
    const [, id = ''] = lines.find(([name]) => name === 'x-request-id') ?? []
    return /^[0-9a-f]{32}$/.test(id)
  }

  let published = ''
  let draft = ''
  beforeEach(async () => {
    published = await write('Seen by all', true)
    draft = await write('Not yet', false)
  })

  test('keeps what anybody may read, for the next who asks', async () => {
    const first = await b.ask(`posts/${published}`)
    const second = await b.ask(`posts/${published}`)
    assert.deepEqual([wasKept(first), wasKept(second)], [false, true])
    assert.deepEqual(second.body, first.body)
    assert.equal(first.header('cache-control'), 'public, max-age=10')
    assert.equal(second.header('etag'), first.header('etag'))
  })

  test('what it kept tells nothing of who asked before, and is not kept a second time elsewhere', async () => {
    const first = await b.ask(`posts/${published}`)
    const second = await b.ask(`posts/${published}`)
    assert.ok(wasKept(second))
    assert.notEqual(second.header('x-request-id'), first.header('x-request-id'))
    assert.ok(first.header('ratelimit'))
    assert.deepEqual([second.header('ratelimit'), second.header('ratelimit-policy')], [undefined, undefined])
    assert.equal(second.header('cache-control'), 'public, max-age=0, must-revalidate')
  })

  const credentials: Readonly<Record<string, () => Asked>> = {
    'an access token': () => bearer(bob),
    'a token that is none': () => ({ headers: { authorization: 'Bearer nobody' } }),
    'a cookie': () => ({ headers: { cookie: 'theme=dark' } }),
    'an API key': () => ({ headers: { 'x-api-key': 'gwk_none' } }),
    'a body': () => ({ body: '{}' }),
  }
  for (const [what, toAsked] of Object.entries(credentials))
    test(`${what} passes by it: the server answers, and nothing of it is kept`, async () => {
      const path = `posts/${published}`
      await b.ask(path, toAsked())
      assert.ok(!wasKept(await b.ask(path)), 'nothing was kept of the first')
      assert.ok(wasKept(await b.ask(path)))
      assert.ok(!wasKept(await b.ask(path, toAsked())), 'nor is what was kept given to it')
    })

  test("a draft is never another's answer: the author sees it, B and a stranger get 404, in any order", async () => {
    const path = `posts/${draft}`
    const asAuthor = async () => (await b.ask(path, bearer(alice))).status
    const others = async () => [(await b.ask(path, bearer(bob))).status, (await b.ask(path)).status]
    assert.deepEqual(
      [await asAuthor(), ...(await others()), await asAuthor(), ...(await others())],
      [200, 404, 404, 200, 404, 404],
    )
    const list = await b.ask('posts', bearer(alice))
    assert.ok(list.text.includes(draft))
    assert.ok(!(await b.ask('posts')).text.includes(draft))
  })

  test('a refusal is never kept: what is published a moment later is there', async () => {
    assert.equal((await b.ask(`posts/${draft}`)).status, 404)
    const body = JSON.stringify({ published: true })
    const changed = await b.ask(`posts/${draft}`, { method: 'PUT', body, ...bearer(alice) })
    assert.equal(changed.status, 200, changed.text)
    assert.equal((await b.ask(`posts/${draft}`)).status, 200)
  })

  /** Cache deception: addresses that a cache could take for a file of everybody's. */
  const disguises = [
    '/x.css',
    '%2fx.css',
    ';x.css',
    '.css',
    '%3b.css',
    '%00.css',
    '%2f..',
    '/..%2f',
    '?x.css',
    '%3fx.css',
    '/../x.css',
    '//',
    '\\x.css',
    '#x.css',
  ]
  test('cache deception: an author’s draft under an address that looks like a file is told to nobody else', async () => {
    for (const path of [
      ...disguises.map(end => `posts/${draft}${end}`),
      'me?x.css',
      'me/x.css',
      'sessions/current;x.css',
    ])
      for (const asked of [bearer(alice), {}, bearer(bob), {}]) {
        const answer = await b.ask(path, asked)
        const isOwn = answer.status === 200 && asked.headers?.authorization === `Bearer ${alice.access}`
        assert.ok(isOwn || !/Not yet|alice/.test(answer.text), path)
        assert.ok(!wasKept(answer) || answer.status !== 200, path)
      }
  })

  test('cache poisoning: another query, order, case or encoding of the address is another answer', async () => {
    const kept = await b.ask('posts?page=1&per_page=1')
    assert.equal(kept.status, 200)
    for (const path of [
      'posts?page=1&per_page=2',
      'posts?per_page=1&page=1',
      'posts?page=1&per_page=1&',
      'posts?page=%31&per_page=1',
      'posts/?page=1&per_page=1',
    ])
      assert.ok(!wasKept(await b.ask(path)), path)
    for (const path of [
      'posts?page=x',
      'posts?page=1&page=2',
      'Posts?page=1&per_page=1',
      'p%6fsts?page=1&per_page=1#',
    ])
      assert.ok(!wasKept(await b.ask(path)), path)
    assert.deepEqual((await b.ask('posts?page=1&per_page=1')).body, kept.body)
  })

  test('cache poisoning: headers that nobody counts change nothing that is kept', async () => {
    const plain = await b.ask(`posts/${published}`)
    for (const [index, headers] of [
      { 'x-forwarded-host': 'evil.test' },
      { 'x-forwarded-proto': 'http', 'x-forwarded-for': '6.6.6.6' },
      { 'x-original-url': '/api/v1/me', 'x-rewrite-url': '/api/v1/me' },
      { 'x-http-method-override': 'DELETE' },
      { forwarded: 'host=evil.test' },
      { accept: 'text/html' },
    ].entries()) {
      const path = `posts/${published}?${index}`
      const [first, second] = [
        await b.ask(path, { headers: headers as unknown as Record<string, string> }),
        await b.ask(path),
      ]
      for (const { status, text } of [first, second]) {
        if (status === 200) assert.equal(text, plain.text)
        assert.ok(!text.includes('evil.test'))
      }
    }
  })

  test('each origin has answers of its own, also where it is sent twice', async () => {
    const path = `posts/${published}`
    const [one = '', two = ''] = corsOrigins
    const allowed = async (origin?: string | readonly string[]) => {
      const answer = await b.ask(path, { headers: origin === undefined ? {} : { origin } })
      return [answer.header('access-control-allow-origin'), wasKept(answer)]
    }
    assert.deepEqual(await allowed([one, two]), [undefined, false])
    assert.deepEqual(await allowed(one), [one, false])
    assert.deepEqual(await allowed(two), [two, false])
    assert.deepEqual(await allowed(), [undefined, false])
    assert.deepEqual(await allowed(one), [one, true])
    assert.deepEqual(await allowed('https://evil.test'), [undefined, false])
  })

  test('HEAD, a range and a condition are answered from what was kept, and keep nothing of their own', async () => {
    const path = `posts/${published}`
    const head = await b.ask(path, { method: 'HEAD' })
    const whole = await b.ask(path)
    assert.deepEqual([head.status, head.text, wasKept(whole)], [200, '', true])
    assert.equal(head.header('content-length'), String(Buffer.byteLength(whole.text)))
    const part = await b.ask(path, { headers: { range: 'bytes=0-0' } })
    assert.deepEqual([part.status, part.text], [200, whole.text])
    const known = await b.ask(path, { headers: { 'if-none-match': whole.header('etag') ?? '' } })
    assert.deepEqual([known.status, known.text], [304, ''])
    const stale = await b.ask(path, { headers: { 'if-match': '"other"' } })
    assert.ok([200, 412].includes(stale.status), stale.text)
    assert.equal((await b.ask(path)).text, whole.text)
  })

  test('nothing large is kept: whoever asks for it under many origins does not fill the disk', async () => {
    for (let made = 0; made < 6; made += 1) await write('Long', true, 'x'.repeat(20_000))
    const path = 'posts?per_page=100'
    const large = await b.ask(path)
    assert.ok(large.text.length > 100_000)
    assert.ok(!wasKept(await b.ask(path)))
  })

  test('a condition of somebody signed in is answered by the server', async () => {
    const path = `/api/v2/posts/${published}`
    const first = await b.ask(path, bearer(alice))
    const again = await b.ask(path, {
      headers: { ...bearer(alice).headers, 'if-none-match': first.header('etag') ?? '' },
    })
    assert.deepEqual([first.status, again.status, wasKept(again)], [200, 304, false])
  })

  test('what is not named as public is not kept, whatever it says of itself', async () => {
    for (const path of ['/openapi.json', '/.well-known/jwks.json', '/healthz', '/readyz', '/docs', 'users'])
      for (const _ of [1, 2]) assert.ok(!wasKept(await b.ask(path)), path)
  })
})
