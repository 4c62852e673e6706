import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { matrix, parseMatrix } from '../route-matrix.ts'
import { type Cast, makeCast, things } from '../senders.ts'
import { readTables } from '../table-contents.ts'
import { exchange, listen, type RawAnswer, toRequest } from './raw-http.ts'

let t: TestApp
let cast: Cast
let port: number
before(async () => {
  t = await startTestApp()
  cast = await makeCast(t)
  port = await listen(t)
})
after(() => t.close())

const { rows } = parseMatrix(matrix)

const fill = async (url: string, of: string): Promise<string> => {
  const { owner } = cast
  return url.replace(':id', (await things[of]?.(t, owner, cast.senders.owner)) ?? '')
}

/** What the owner may read and nobody else: the path of each such thing. */
const listSecretPaths = (): Promise<readonly string[]> =>
  Promise.all(
    rows
      .filter(
        ({ route, expected }) =>
          route.startsWith('GET ') && expected.owner === '200' && expected.anonymous !== '200',
      )
      .map(({ route, of }) => fill(route.slice(4), of)),
  )

/** Spellings by which another router, proxy or filter might come to the same path. */
const tricks: Readonly<Record<string, (path: string) => string>> = {
  'as it is': path => path,
  'two slashes in front': path => `/${path}`,
  'two slashes within': path => path.replace('/v1/', '/v1//'),
  'a slash at the end': path => `${path}/`,
  'a dot segment': path => path.replace('/v1/', '/./v1/'),
  'a way up and down': path => path.replace('/v1/', '/v1/../v1/'),
  'a way up from an open path': path => `/healthz/..${path}`,
  'an encoded way up': path => `/healthz/%2e%2e${path}`,
  'an encoded slash and way up': path => `/healthz%2f..${path.replaceAll('/', '%2f')}`,
  'a doubly encoded way up': path => `/healthz/%252e%252e${path}`,
  'a way up in an overlong slash': path => `/healthz/..%c0%af${path.slice(1)}`,
  'a way up by backslashes': path => `/healthz\\..${path.replaceAll('/', '\\')}`,
  'a way up behind a parameter': path => `/healthz;/..${path}`,
  'capital letters': path => path.toUpperCase(),
  'one capital letter': path => path.replace('/api', '/Api'),
  'an encoded letter': path => path.replace('/api', '/%61pi'),
  'an encoded slash': path => path.replace('/v1/', '/v1%2f'),
  'a path parameter': path => `${path};x`,
  'a session in a path parameter': path => `${path};jsessionid=1`,
  'a space at the end': path => `${path}%20`,
  'a tab at the end': path => `${path}%09`,
  'a NUL at the end': path => `${path}%00`,
  'a NUL and an open ending': path => `${path}%00.css`,
  'a line break at the end': path => `${path}%0a`,
  'an ending': path => `${path}.json`,
  'a dot at the end': path => `${path}.`,
  'an encoded question mark': path => `${path}%3f`,
  'an open path in the query': path => `${path}?/healthz`,
  'an open path behind a fragment': path => `${path}#/healthz`,
  'no slash in front': path => path.slice(1),
  'another host in front': path => `http://evil.example${path}`,
  'a name and password in front': path => `http://admin:admin@127.0.0.1${path}`,
  'a star in front': path => `*${path}`,
  'a full-width letter': path => path.replace('/api', '/%EF%BD%81pi'),
  'a combining mark': path => `${path}%CC%80`,
}

const assertShowsNothing = ({ status, headers, body }: RawAnswer, where: string): void => {
  assert.ok([400, 401, 403, 404, 405].includes(status), `${where}: ${status} ${body}`)
  const types = headers.filter(([name]) => name === 'content-type').map(([, value]) => value)
  assert.deepEqual(types, ['application/problem+json; charset=utf-8'], where)
  assert.ok(
    headers.some(([name, value]) => name === 'x-content-type-options' && value === 'nosniff'),
    where,
  )
}

for (const [trick, change] of Object.entries(tricks))
  test(`path confusion: ${trick} leads past no check`, async () => {
    for (const path of await listSecretPaths()) {
      const target = change(path)
      assertShowsNothing(await exchange(port, toRequest('GET', target)), `anonymous, ${target}`)
      if (!/posts|todos/.test(path) || path.endsWith('s')) continue
      const authorization = cast.senders.other.headers.authorization ?? ''
      assertShowsNothing(
        await exchange(port, toRequest('GET', target, { authorization })),
        `other, ${target}`,
      )
    }
  })

for (const target of [
  '/%',
  '/api/v1/posts/%zz',
  '/api/v1/posts/%',
  '/api/v1/posts/%ff',
  '/api/v1/todos/%c0%80',
  '/%E0%A4%A',
])
  test(`bad percent-encoding: ${target} is answered with 400 in the common form`, async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await exchange(port, toRequest(method, target))
      assertShowsNothing(answer, target)
      assert.equal(JSON.parse(answer.body).code, 'malformed_request')
    }
  })

test('an id longer than any of ours is answered as an unknown one', async () => {
  for (const length of [23, 199, 201, 4_000]) {
    const answer = await t.call('GET', `posts/${'a'.repeat(length)}`)
    assert.equal(`${answer.status} ${answer.body.code}`, '404 not_found', String(length))
  }
})

test('TRACE echoes nothing, on a known path or an unknown one', async () => {
  for (const target of ['/api/v1/me', '/', '*']) {
    const answer = await exchange(
      port,
      toRequest('TRACE', target, { cookie: 'echo=me', 'max-forwards': '0' }),
    )
    assert.ok([400, 404, 405].includes(answer.status), `${target}: ${answer.text}`)
    assert.doesNotMatch(answer.text, /echo=me|max-forwards/i)
  }
})

test('a star in the place of a path is not the front page', async () => {
  for (const method of ['GET', 'OPTIONS'])
    assertShowsNothing(await exchange(port, toRequest(method, '*')), method)
})

test('CONNECT opens no tunnel', async () => {
  for (const target of ['127.0.0.1:22', '/api/v1/me', 'evil.example:443']) {
    const answer = await exchange(port, toRequest('CONNECT', target))
    assert.ok(![200, 101].includes(answer.status), `${target}: ${answer.text}`)
  }
})

test('methods that HTTP knows and we do not are refused', async () => {
  for (const method of [
    'PROPFIND',
    'MKCOL',
    'COPY',
    'LOCK',
    'SEARCH',
    'QUERY',
    'PURGE',
    'LINK',
    'M-SEARCH',
  ]) {
    const answer = await exchange(port, toRequest(method, '/api/v1/posts'))
    assert.ok([400, 404, 405, 415].includes(answer.status), `${method}: ${answer.text}`)
  }
  for (const method of ['JEFF', 'get', 'GE T', 'GET\t'])
    assert.equal((await exchange(port, toRequest(method, '/api/v1/posts'))).status, 400, method)
})

test('method override: a GET that names another method stays a GET', async () => {
  const names = [
    'x-http-method-override',
    'x-http-method',
    'x-method-override',
    'x-original-method',
    '_method',
  ]
  const { authorization = '' } = cast.senders.owner.headers
  for (const name of names)
    for (const method of ['DELETE', 'PUT', 'PATCH']) {
      const path = await fill('/api/v1/todos/:id', 'todo')
      const headers = { authorization, [name]: method }
      for (const target of [path, `${path}?_method=${method}&method=${method}`])
        assert.equal((await t.call('GET', target, { headers })).status, 200, `${name}: ${method}`)
      assert.equal((await t.call('POST', path, { headers, body: {} })).status, 405, `${name}: ${method}`)
      assert.equal((await t.call('GET', path, { headers })).status, 200, 'it is still there')
    }
})

test('path override: no header moves a request to another path', async () => {
  const names = [
    'x-original-url',
    'x-rewrite-url',
    'x-forwarded-uri',
    'x-forwarded-prefix',
    'x-accel-redirect',
  ]
  for (const name of names) {
    const open = await t.call('GET', '/healthz', { headers: { [name]: '/api/v1/me' } })
    assert.deepEqual(open.body, { status: 'up' })
    const closed = await t.call('GET', 'me', { headers: { [name]: '/healthz' } })
    assert.equal(closed.status, 401, name)
  }
})

test('reading changes nothing: no GET and no HEAD writes a row, whoever asks', async () => {
  for (const { route, of } of rows.filter(({ route }) => route.startsWith('GET '))) {
    const path = await fill(route.slice(4), of)
    for (const sender of Object.values(cast.senders))
      for (const method of ['GET', 'HEAD']) {
        const before = await readTables(t)
        await t.call(method, path, { headers: sender.headers })
        assert.deepEqual(await readTables(t), before, `${method} ${path}`)
      }
  }
})

test('a body in a GET is not read', async () => {
  const { authorization = '' } = cast.senders.owner.headers
  for (const body of ['{"__proto__":1}', 'no JSON', 'x'.repeat(300_000)])
    assert.equal(
      (await t.call('GET', 'me', { body, headers: { authorization, 'content-type': 'application/json' } }))
        .status,
      200,
    )
})
