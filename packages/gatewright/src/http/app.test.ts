import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Answer, exchange, parseAnswer, send } from '../../../../test/process/http-client.ts'
import { canary, type ListeningApp, startListeningApp } from '../../../../test/process/listening-app.ts'
import { systemClock } from '../ground/clock.ts'

const ends: (() => Promise<void>)[] = []
let t: ListeningApp
before(async () => {
  t = await startListeningApp({ after: end => ends.push(end) }, { publicUrl: 'https://api.example.org' })
})
after(async () => {
  for (const end of ends) await end()
})

/** The headers of contract.md, as they stand on every answer. */
const contractHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
} as const

const assertHeaders = ({ headers }: Answer): void => {
  for (const [name, value] of Object.entries(contractHeaders)) assert.equal(headers[name], value, name)
  const features = String(headers['permissions-policy']).split(', ')
  assert.ok(features.length > 20)
  for (const feature of features) assert.match(feature, /^[a-z-]+=\(\)$/)
  assert.match(String(headers['x-request-id']), /^[\w-]{22}$/)
  for (const name of ['server', 'x-powered-by', 'access-control-allow-origin'])
    assert.equal(headers[name], undefined, name)
}

type Problem = { readonly status: number; readonly code: string }

const assertProblem = (answer: Answer, { status, code }: Problem): void => {
  assert.equal(answer.status, status, answer.text)
  assertHeaders(answer)
  assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { errors, ...problem } = JSON.parse(answer.text)
  assert.deepEqual(Object.keys(problem), ['type', 'title', 'status', 'detail', 'code', 'request_id'])
  assert.equal(problem.type, `https://api.example.org/docs/errors#${code}`)
  assert.deepEqual([problem.status, problem.code], [status, code])
  assert.equal(problem.request_id, answer.headers['x-request-id'])
  assert.match(problem.title, /^[A-Z][a-z]+( [a-z]+| JSON)*$/)
  assert.match(problem.detail, /^[A-Z].*\.$/)
  assert.equal(errors !== undefined, code === 'validation_failed')
  // The id of the request may hold any letters.
  const told = answer.text.replace(problem.request_id, '')
  assert.doesNotMatch(told, new RegExp(`${canary}|select|node_modules|\\.ts|stack|sqlite`, 'i'))
}

/** Bytes as a client without manners sends them. */
const ask = async (lines: readonly string[], body = ''): Promise<Answer> =>
  parseAnswer(await exchange(t.port, `${lines.join('\r\n')}\r\n\r\n${body}`))

const host = 'Host: api.example.org'
const close = 'Connection: close'
const json = 'Content-Type: application/json'
const sized = (body: string): string => `Content-Length: ${Buffer.byteLength(body)}`

type Case = { readonly what: string; readonly lines: readonly string[]; readonly body?: string } & Problem

const post = (what: string, body: string, status: number, code: string): Case => ({
  what,
  lines: ['POST /numbers HTTP/1.1', host, close, json, sized(body)],
  body,
  status,
  code,
})

const get = (
  what: string,
  path: string,
  status: number,
  code: string,
  ...headers: readonly string[]
): Case => ({
  what,
  lines: [`GET ${path} HTTP/1.1`, host, close, ...headers],
  status,
  code,
})

const cases: readonly Case[] = [
  get('an unknown path', '/nowhere', 404, 'not_found'),
  get('an unknown path below the mount', '/auth/nowhere', 404, 'not_found'),
  get('an unknown path with a token', '/nowhere', 404, 'not_found', 'Authorization: Bearer x'),
  {
    what: 'a wrong method',
    lines: ['PUT /numbers HTTP/1.1', host, close],
    status: 405,
    code: 'method_not_allowed',
  },
  get('an Accept header without JSON', '/numbers', 406, 'not_acceptable', 'Accept: text/html, image/*'),
  get(
    'an Accept header that takes JSON out',
    '/numbers',
    406,
    'not_acceptable',
    'Accept: application/json;q=0',
  ),
  get('no credential', '/auth/protected', 401, 'invalid_token'),
  get('a wrong credential', '/auth/protected', 401, 'invalid_token', 'Authorization: Bearer x'),
  get('another scheme', '/auth/protected', 401, 'invalid_token', 'Authorization: Basic eDp5'),
  get(
    'two credentials',
    '/auth/protected',
    400,
    'several_credentials',
    'Authorization: Bearer x',
    'X-API-Key: y',
  ),
  get('headers of 20 KiB', '/numbers', 431, 'headers_too_large', `X-Long: ${'a'.repeat(20 * 1_024)}`),
  get('an address of 20 KiB', `/${'a'.repeat(20 * 1_024)}`, 431, 'headers_too_large'),
  get('bad percent-encoding', '/numbers/%zz', 400, 'malformed_request'),
  get('percent-encoding that is no UTF-8', '/numbers/%c3%28', 400, 'malformed_request'),
  get('a space in the address', '/num bers', 400, 'malformed_request'),
  { what: 'no Host', lines: ['GET /numbers HTTP/1.1', close], status: 400, code: 'malformed_request' },
  { what: 'no Host in HTTP/1.0', lines: ['GET /numbers HTTP/1.0'], status: 400, code: 'malformed_request' },
  { what: 'half a request line', lines: ['GET'], status: 400, code: 'malformed_request' },
  {
    what: 'a method that is none',
    lines: ['FETCH /numbers HTTP/1.1', host],
    status: 400,
    code: 'malformed_request',
  },
  { what: 'another protocol', lines: ['SSH-2.0-OpenSSH_9.6'], status: 400, code: 'malformed_request' },
  {
    what: 'the preface of HTTP/2',
    lines: ['PRI * HTTP/2.0'],
    body: 'SM\r\n\r\n',
    status: 400,
    code: 'malformed_request',
  },
  post('a body that is no JSON', '{"number":', 400, 'malformed_json'),
  post('a name twice', '{"number": 1, "number": 2}', 400, 'malformed_json'),
  post('a prototype', '{"number": 1, "__proto__": {}}', 400, 'malformed_json'),
  post('no body', '', 400, 'validation_failed'),
  post('another type', '{"number": "1"}', 400, 'validation_failed'),
  post('an unknown field', '{"number": 1, "other": 2}', 400, 'validation_failed'),
  post('a body of 257 KiB', `{"number": 1${' '.repeat(257 * 1_024)}}`, 413, 'body_too_large'),
  {
    what: 'a body that is no JSON by its own word',
    lines: ['POST /numbers HTTP/1.1', host, close, 'Content-Type: text/plain', sized('1')],
    body: '1',
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    what: 'a body without a type',
    lines: ['POST /numbers HTTP/1.1', host, close, sized('1')],
    body: '1',
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    what: 'a length and chunks',
    lines: ['POST /numbers HTTP/1.1', host, json, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
    body: '0\r\n\r\n',
    status: 400,
    code: 'malformed_request',
  },
  get('an error thrown in a handler', '/throws', 500, 'internal_error'),
  get('an error thrown before a handler waits', '/throws-early', 500, 'internal_error'),
  get('a text thrown', '/throws-text', 500, 'internal_error'),
  get('nothing thrown', '/throws-nothing', 500, 'internal_error'),
  get('an error that chooses its own status', '/throws-status', 500, 'internal_error'),
  get('an answer that its schema does not allow', '/answers-badly', 500, 'internal_error'),
  get('a statement that SQLite does not understand', '/asks-wrongly', 500, 'internal_error'),
]

describe('every refusal has all headers and one form', () => {
  for (const { what, lines, body, ...problem } of cases)
    test(what, async () => assertProblem(await ask(lines, body), problem))

  test('a request whose time is over', async () => {
    const accepted = once(t.app.server, 'connection')
    const client = connect({ port: t.port, host: '127.0.0.1' })
    const [socket] = (await accepted) as [Socket]
    const chunks: Buffer[] = []
    client.on('data', (chunk: Buffer) => chunks.push(chunk))
    // Node.js looks at its clock every few seconds only, so here it is told that the time is over.
    const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    t.app.server.emit('clientError', error, socket)
    await once(client, 'close')
    assertProblem(parseAnswer(Buffer.concat(chunks).toString()), { status: 408, code: 'request_timeout' })
  })

  test('two Host headers', async () => {
    const answer = await ask(['GET /numbers HTTP/1.1', host, 'Host: other.example', close])
    assertProblem(answer, { status: 400, code: 'malformed_request' })
  })
})

describe('a refusal says further', () => {
  const fieldErrors = async (body: string): Promise<unknown> => {
    const answer = await ask(['POST /numbers HTTP/1.1', host, close, json, sized(body)], body)
    return JSON.parse(answer.text).errors
  }

  test('which methods the address takes', async () => {
    const answer = await ask(['PATCH /numbers HTTP/1.1', host, close])
    assert.equal(answer.headers.allow, 'DELETE, GET, HEAD, POST')
  })

  test('which fields are wrong, and how', async () => {
    assert.deepEqual(await fieldErrors('{}'), [{ path: '/number', message: 'is missing' }])
    assert.deepEqual(await fieldErrors('{"number": 1, "odd": 2}'), [
      { path: '/odd', message: 'is not a known field' },
    ])
    assert.deepEqual(await fieldErrors('{"number": 1.5}'), [
      { path: '/number', message: 'must be a whole number' },
    ])
  })

  test('how to show a credential, and the error only to a caller that showed one', async () => {
    const challenge = async (...headers: readonly string[]) =>
      (await ask(['GET /auth/protected HTTP/1.1', host, close, ...headers])).headers['www-authenticate']
    assert.equal(await challenge(), 'Bearer')
    assert.match(
      String(await challenge('Authorization: Bearer x')),
      /^Bearer error="invalid_token", error_desc/,
    )
  })
})

describe('an unexpected error', () => {
  test('is in the log with its request id, whole', async () => {
    const { headers } = await send('GET', `${t.url}/throws`)
    const line = t.logLines.find(
      text => text.includes(String(headers['x-request-id'])) && text.includes('err'),
    )
    assert.match(line ?? '', new RegExp(canary))
    assert.match(line ?? '', /"stack":/)
  })

  test('of one request leaves others alone', async () => {
    const answers = await Promise.all(
      ['/throws', '/numbers', '/throws-text', '/numbers'].map(path => send('GET', t.url + path)),
    )
    assert.deepEqual(
      answers.map(({ status }) => status),
      [500, 200, 500, 200],
    )
  })
})

describe('a database that fails', () => {
  test('is 503 with Retry-After, and the answer tells nothing of it', async owner => {
    const app = await startListeningApp(owner, { publicUrl: 'https://api.example.org' })
    await app.engine.db.destroy()
    for (const path of ['/asks-the-database', '/auth/register']) {
      const body = { username: 'alice', password: 'correct horse battery staple' }
      const answer = await (path === '/auth/register'
        ? send('POST', app.url + path, { body })
        : send('GET', app.url + path))
      assertProblem(answer, { status: 503, code: 'unavailable' })
      assert.equal(answer.headers['retry-after'], '1')
    }
    assert.ok(app.logLines.some(line => line.includes('"err"')))
  })

  test('is said by /readyz once it lasts for half a minute, and /healthz stays up', async owner => {
    let ahead = 0
    const advance = (by: number): void => {
      ahead += by
    }
    const clock = {
      ...systemClock,
      now: () => systemClock.now() + ahead,
      monotonic: () => systemClock.monotonic() + ahead,
    }
    const app = await startListeningApp(owner, {}, undefined, clock)
    assert.equal((await send('GET', `${app.url}/readyz`)).status, 200)
    await app.engine.db.destroy()
    assert.equal((await send('GET', `${app.url}/readyz`)).status, 200)
    advance(31_000)
    const ready = await send('GET', `${app.url}/readyz`)
    assert.equal(ready.status, 503)
    assert.deepEqual(JSON.parse(ready.text), {
      status: 'not ready',
      reasons: [
        'the database does not answer',
        'the view of revocations is too old',
        'this process is not in the register: the database has not taken it for half a minute',
      ],
      warnings: [],
    })
    assert.equal((await send('GET', `${app.url}/healthz`)).status, 200)
  })
})

describe('an answer', () => {
  test('has all headers where nothing is refused', async () => {
    for (const path of ['/numbers', '/healthz', '/readyz']) assertHeaders(await send('GET', t.url + path))
  })

  test('says nothing of https where the address is http', async owner => {
    const app = await startListeningApp(owner)
    for (const path of ['/numbers', '/nowhere', '/%zz'])
      assert.equal((await send('GET', app.url + path)).headers['strict-transport-security'], undefined, path)
  })

  test('to HEAD has the headers of GET and no body', async () => {
    for (const path of ['/numbers', '/healthz', '/throws', '/nowhere']) {
      const got = await ask([`GET ${path} HTTP/1.1`, host, close])
      const head = await ask([`HEAD ${path} HTTP/1.1`, host, close])
      assert.equal(head.text, '', path)
      assert.equal(head.status, got.status, path)
      for (const name of ['content-type', 'content-length'])
        assert.equal(head.headers[name], got.headers[name], path)
      assertHeaders(head)
    }
  })

  test('without a body has no type and no length', async () => {
    const answer = await ask(['DELETE /numbers HTTP/1.1', host, close])
    assert.deepEqual([answer.status, answer.text], [204, ''])
    assertHeaders(answer)
    for (const name of ['content-type', 'content-length', 'transfer-encoding'])
      assert.equal(answer.headers[name], undefined, name)
  })

  test('to HTTP/1.0 ends with the connection', async () => {
    const answer = await ask(['GET /numbers HTTP/1.0', host])
    assert.deepEqual([answer.status, answer.text], [200, '{"number":1}'])
    assertHeaders(answer)
  })

  test('to an expectation that nobody knows is an answer like any other', async () => {
    const answer = await ask(['GET /numbers HTTP/1.1', host, close, 'Expect: something'])
    assert.ok([200, 417].includes(answer.status))
    assertHeaders(answer)
  })

  test('to Expect: 100-continue comes after the body was asked for', async () => {
    const body = '{"number": 7}'
    const lines = ['POST /numbers HTTP/1.1', host, close, json, sized(body), 'Expect: 100-continue']
    const raw = await exchange(t.port, `${lines.join('\r\n')}\r\n\r\n${body}`)
    assert.match(raw, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  })
})

describe('a request id', () => {
  test('is another one for every request, refused or not', async () => {
    const paths = ['/numbers', '/nowhere', '/%zz', '/throws', '/auth/protected']
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, at) => send('GET', t.url + paths[at % paths.length])),
    )
    assert.equal(new Set(answers.map(({ headers }) => headers['x-request-id'])).size, 100)
  })

  test('is never taken from the caller', async () => {
    const { headers } = await send('GET', `${t.url}/numbers`, { headers: { 'x-request-id': 'chosen' } })
    assert.notEqual(headers['x-request-id'], 'chosen')
  })

  test('of every answer stands in the log, of unreadable requests too', async () => {
    const raw = ['GET /%zz HTTP/1.1', 'GET /numbers HTTP/1.1', 'NONSENSE']
    for (const line of raw) {
      const { headers } = await ask([line, host, close])
      const id = String(headers['x-request-id'])
      assert.ok(
        t.logLines.some(text => text.includes(id)),
        `${line}: ${id}`,
      )
    }
  })
})
