import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { type Browser, browse, headersOf, openBrowser, show, toBrowser } from '../sessions/browser.ts'
import { readTables } from '../table-contents.ts'

const own = 'https://api.example.org'
const sibling = 'https://app.example.org'

let t: TestApp
let ann: Caller
let tab: Browser
before(async () => {
  t = await startTestApp({ publicUrl: own, corsOrigins: [sibling] })
})
after(() => t.close())
beforeEach(async () => {
  ann = await signUp(t, freshName())
  tab = await openBrowser(t, ann.username)
})

type Headers = Readonly<Record<string, string>>

const post = { title: 'Forged', content: 'Text' }
const signIn = (headers: Headers) =>
  t.call('POST', 'sessions', { headers, body: { username: ann.username, password } })

/** What browsers say of a request, and whether it may carry the cookie; `alone`: whether it may be given one. */
const cases: Readonly<Record<string, { headers: Headers; withCookie: boolean; alone: boolean }>> = {
  'a page of ours': {
    headers: { origin: own, 'sec-fetch-site': 'same-origin' },
    withCookie: true,
    alone: true,
  },
  'a page of ours in a browser that says only Origin': {
    headers: { origin: own },
    withCookie: true,
    alone: true,
  },
  'a page of ours that sends no Origin': {
    headers: { 'sec-fetch-site': 'same-origin' },
    withCookie: true,
    alone: true,
  },
  'a listed page': {
    headers: { origin: sibling, 'sec-fetch-site': 'same-site' },
    withCookie: true,
    alone: true,
  },
  'no browser': { headers: {}, withCookie: false, alone: true },
}

/** Every one is refused, with a cookie and without. */
const strangers: Readonly<Record<string, Headers>> = {
  'another website': { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' },
  'another website in a browser that says only Origin': { origin: 'https://evil.test' },
  'a form of another website that hides its origin': { origin: 'null', 'sec-fetch-site': 'cross-site' },
  'a sandboxed frame': { origin: 'null', 'sec-fetch-site': 'same-origin' },
  'null alone': { origin: 'null' },
  'a sibling subdomain': { origin: 'https://blog.example.org', 'sec-fetch-site': 'same-site' },
  'a sibling subdomain without Origin': { 'sec-fetch-site': 'same-site' },
  'another website without Origin': { 'sec-fetch-site': 'cross-site' },
  'a link that somebody clicked': { 'sec-fetch-site': 'none' },
  'our origin from another site, which no browser says': { origin: own, 'sec-fetch-site': 'cross-site' },
  'our origin from a sibling, which no browser says': { origin: own, 'sec-fetch-site': 'same-site' },
  'our host on another port': { origin: `${own}:8443` },
  'our host over plain HTTP': { origin: own.replace('https', 'http') },
  'our origin with a slash': { origin: `${own}/` },
  'our origin in capitals': { origin: own.toUpperCase() },
  'a host that begins like ours': { origin: `${own}.evil.test` },
  'a host that ends like ours': { origin: 'https://evilapi.example.org' },
  'two origins': { origin: `${own}, https://evil.test` },
  'an empty Origin': { origin: '' },
  'an empty Sec-Fetch-Site': { 'sec-fetch-site': '' },
  'our host as Referer alone, with a foreign Origin': { origin: 'https://evil.test', referer: `${own}/` },
}

describe('a write with the cookie', () => {
  for (const [who, { headers, withCookie }] of Object.entries(cases))
    test(`of ${who} is ${withCookie ? 'taken' : 'refused'}`, async () => {
      const answer = await t.call('POST', 'posts', {
        headers: { cookie: tab.cookie, 'x-csrf-token': tab.csrf, ...headers },
        body: post,
      })
      assert.equal(show(answer), withCookie ? '201' : '403 csrf_failed')
    })

  for (const [who, headers] of Object.entries(strangers))
    test(`cross-site request forgery: of ${who} is refused, even with the CSRF token, and changes nothing`, async () => {
      const before = await readTables(t)
      for (const [method, path, body] of [
        ['POST', 'posts', post],
        ['POST', 'logout', undefined],
        ['POST', 'step-up', { password }],
        ['DELETE', 'sessions', undefined],
        ['PUT', 'me/password', { current_password: password, new_password: `${password}!` }],
      ] as const) {
        const answer = await t.call(method, path, {
          headers: { cookie: tab.cookie, 'x-csrf-token': tab.csrf, ...headers },
          body,
        })
        assert.equal(show(answer), '403 csrf_failed', path)
        assert.equal(answer.headers['set-cookie'], undefined)
      }
      assert.deepEqual(await readTables(t), before)
    })
})

describe('a sign-in that sets the cookie', () => {
  for (const [who, { headers, alone }] of Object.entries(cases))
    test(`of ${who} is ${alone ? 'taken' : 'refused'}`, async () => {
      assert.equal((await signIn(headers)).status, 201)
    })

  for (const [who, headers] of Object.entries(strangers))
    test(`login CSRF: of ${who} is refused before the password is looked at, and sets none`, async () => {
      const hashes = t.engine.hasher.count()
      const answer = await signIn(headers)
      assert.equal(show(answer), '403 csrf_failed')
      assert.equal(answer.headers['set-cookie'], undefined)
      assert.equal(t.engine.hasher.count(), hashes)
    })

  test('login CSRF: an attacker’s sign-in does not end the session of the browser', async () => {
    const headers = { cookie: tab.cookie, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    assert.equal(show(await signIn(headers)), '403 csrf_failed')
    assert.equal((await browse(t, tab, 'GET', 'me')).status, 200)
  })

  test('no browser, but with a cookie: refused, for somebody may have made it send both', async () => {
    assert.equal(show(await signIn({ cookie: tab.cookie })), '403 csrf_failed')
  })
})

describe('the CSRF token', () => {
  const write = (headers: Headers) =>
    t.call('POST', 'posts', { headers: { cookie: tab.cookie, origin: own, ...headers }, body: post })

  test('is needed by every write with a cookie, whatever the other headers say', async () => {
    for (const headers of [{}, { 'sec-fetch-site': 'same-origin' }, { origin: sibling }])
      assert.equal(show(await write(headers)), '403 csrf_failed')
    assert.equal((await write({ 'x-csrf-token': tab.csrf })).status, 201)
  })

  const forged: Readonly<Record<string, () => Promise<string> | string>> = {
    'an empty one': () => '',
    'a word': () => 'token',
    'a cut one': () => tab.csrf.slice(0, -1),
    'a longer one': () => `${tab.csrf}A`,
    'one in capitals': () => tab.csrf.toUpperCase(),
    'one of the right length': () => 'A'.repeat(tab.csrf.length),
    'the cookie itself': () => tab.cookie.split('=')[1] ?? '',
    'the id of the session': async () => (await browse(t, tab, 'GET', 'sessions/current')).body.session.id,
    'the one of another session of the same user': async () => (await openBrowser(t, ann.username)).csrf,
    'the one of an attacker': async () =>
      (await openBrowser(t, (await signUp(t, freshName())).username)).csrf,
    'two in one': () => `${tab.csrf}, ${tab.csrf}`,
    'bytes beyond ASCII': () => '\u00e9'.repeat(tab.csrf.length),
  }
  for (const [what, make] of Object.entries(forged))
    test(`forged CSRF token: ${what} is refused`, async () => {
      assert.equal(show(await write({ 'x-csrf-token': await make() })), '403 csrf_failed')
    })

  test('double submit: a token in a cookie, in the query or in the body does not count', async () => {
    const { cookie, csrf } = tab
    const planted = `${cookie}; csrf_token=${csrf}; X-CSRF-Token=${csrf}; XSRF-TOKEN=${csrf}`
    assert.equal(show(await write({ cookie: planted })), '403 csrf_failed')
    const headers = { cookie, origin: own }
    for (const path of [`posts?csrf_token=${csrf}`, `posts?X-CSRF-Token=${csrf}`])
      assert.equal(show(await t.call('POST', path, { headers, body: post })), '403 csrf_failed')
    const body = { ...post, csrf_token: csrf }
    assert.equal(show(await t.call('POST', 'posts', { headers, body })), '403 csrf_failed')
    assert.equal(show(await write({ 'x-xsrf-token': csrf })), '403 csrf_failed')
  })

  test('of before a step-up is refused after it, with the new cookie', async () => {
    const fresh = toBrowser(await browse(t, tab, 'POST', 'step-up', { body: { password } }))
    const mixed = { ...fresh, csrf: tab.csrf }
    assert.equal(show(await browse(t, mixed, 'POST', 'posts', { body: post })), '403 csrf_failed')
    assert.equal((await browse(t, fresh, 'POST', 'posts', { body: post })).status, 201)
  })

  test('is asked for before the database is: an ended session is told nothing more without it', async () => {
    await browse(t, tab, 'POST', 'logout')
    assert.equal(show(await write({})), '403 csrf_failed')
    assert.equal(show(await write({ 'x-csrf-token': tab.csrf })), '401 session_ended')
  })

  test('is not asked for where a request only reads, or carries no cookie', async () => {
    for (const method of ['GET', 'HEAD'])
      for (const path of ['me', 'posts'])
        assert.equal((await t.call(method, path, { headers: { cookie: tab.cookie } })).status, 200)
    assert.equal((await t.call('POST', 'posts', { token: ann.access, body: post })).status, 201)
  })
})

test('form POST: a body that another website’s form can send is refused, with all else in order', async () => {
  const text = JSON.stringify(post)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a'])
    for (const path of ['posts', 'sessions']) {
      const headers = { ...headersOf(t, tab), 'content-type': type }
      assert.equal(show(await t.call('POST', path, { headers, body: text })), '415 unsupported_media_type')
    }
})

test('form POST: a form that another website makes the browser send is refused for where it comes from', async () => {
  const headers = { cookie: tab.cookie, 'content-type': 'text/plain', origin: 'https://evil.test' }
  assert.equal(
    show(await t.call('POST', 'posts', { headers, body: JSON.stringify(post) })),
    '403 csrf_failed',
  )
})

test('method override: a GET that names another method changes nothing, so it needs no CSRF token', async () => {
  const headers = { cookie: tab.cookie, 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' }
  for (const path of ['sessions', 'sessions?_method=DELETE'])
    assert.equal((await t.call('GET', path, { headers })).status, 200)
  assert.equal((await browse(t, tab, 'GET', 'me')).status, 200)
})

test('a foreign origin with a token in a header is not asked: no cookie goes with it', async () => {
  const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
  assert.equal((await t.call('POST', 'posts', { token: ann.access, headers, body: post })).status, 201)
})

test('no method but those that only read escapes the check', async () => {
  const unsafe = t.app.routeTable.routes.filter(({ method }) => !['GET', 'HEAD'].includes(method))
  assert.ok(unsafe.length > 10)
  for (const { method, url, rule } of unsafe) {
    const headers = { cookie: tab.cookie, 'x-csrf-token': tab.csrf, origin: 'https://evil.test' }
    const foreign = await t.call(method, url.replace(':id', 'A'.repeat(22)), { headers })
    assert.equal(show(foreign), '403 csrf_failed', `${method} ${url}`)
    if (rule.ignoresCookie) continue
    const own_ = { cookie: tab.cookie, origin: own }
    const without = await t.call(method, url.replace(':id', 'A'.repeat(22)), { headers: own_ })
    assert.equal(show(without), '403 csrf_failed', `${method} ${url} without a token`)
  }
})

test('a route that ignores the cookie only reads or asks for another proof, and is open to everyone', () => {
  const ignoring = t.app.routeTable.routes.filter(({ rule }) => rule.ignoresCookie)
  const changing = ignoring.filter(({ method }) => !['GET', 'HEAD'].includes(method))
  assert.deepEqual(changing.map(({ url }) => url.replace('/api/v1', '')).sort(), [
    '/email/not-me',
    '/email/undo',
    '/email/verify',
    '/login',
    '/login/mfa',
    '/login/mfa/options',
    '/login/passkey',
    '/login/passkey/options',
    '/password/forgot',
    '/password/reset',
    '/password/strength',
    '/refresh',
    '/register',
    '/sessions',
    '/setup',
    '/sign-in/prove',
  ])
  for (const { rule } of ignoring) assert.equal(rule.access.kind, 'everyone')
})

test('every route that can answer with a cookie to a caller without one declares it', async () => {
  for (const { method, url, rule } of t.app.routeTable.routes) {
    // Asked for by the proof itself: test/passkeys/sign-in.test.ts.
    if (rule.gives === 'either') continue
    // Asked for by the link of a mail: test/mail/held.test.ts.
    if (url.endsWith('/sign-in/prove')) continue
    const { headers } = await t.call(method, url.replace(':id', 'A'.repeat(22)), {
      body: ['GET', 'HEAD'].includes(method) ? undefined : { username: ann.username, password },
    })
    const cookies = [headers['set-cookie'] ?? []].flat().map(cookie => String(cookie).split('=')[0])
    const expected = [
      ...(rule.gives === 'cookie' ? [t.engine.places.cookie.name] : []),
      ...(rule.knowsDevices ? [t.engine.places.device.name] : []),
    ]
    assert.deepEqual(cookies, expected, `${method} ${url}`)
  }
})

test('a page of another site that signs somebody in makes no known device of the browser', async () => {
  const signIn = (headers: Readonly<Record<string, string>>) =>
    t.call('POST', 'login', { body: { username: ann.username, password }, headers })
  for (const headers of [
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: own, 'sec-fetch-site': 'cross-site' },
  ]) {
    const answer = await signIn(headers)
    assert.deepEqual([answer.status, answer.headers['set-cookie']], [200, undefined], JSON.stringify(headers))
  }
  for (const headers of [{}, { origin: own }, { 'sec-fetch-site': 'same-origin' }])
    assert.match(String((await signIn(headers)).headers['set-cookie']), /gw_device=gwd_/)
})

describe('CORS with a cookie', () => {
  test('a listed page may read answers with the cookie, and says so before it asks', async () => {
    const { headers } = await t.call('GET', 'me', { headers: { cookie: tab.cookie, origin: sibling } })
    assert.equal(headers['access-control-allow-origin'], sibling)
    assert.equal(headers['access-control-allow-credentials'], 'true')
    const preflight = await t.call('OPTIONS', 'posts', {
      headers: { origin: sibling, 'access-control-request-method': 'POST' },
    })
    assert.equal(preflight.headers['access-control-allow-credentials'], 'true')
    assert.match(String(preflight.headers['access-control-allow-headers']), /X-CSRF-Token/)
  })

  test('no other page may: cross-origin reading of /sessions/current gives away no CSRF token', async () => {
    for (const origin of ['https://evil.test', 'https://blog.example.org', 'null']) {
      const { headers } = await t.call('GET', 'sessions/current', {
        headers: { cookie: tab.cookie, origin },
      })
      for (const name of ['access-control-allow-origin', 'access-control-allow-credentials'])
        assert.equal(headers[name], undefined)
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    }
  })
})
