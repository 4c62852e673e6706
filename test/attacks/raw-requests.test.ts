import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startTestApp, type TestApp } from '../harness.ts'
import { type Cast, makeCast } from '../senders.ts'
import { readTables } from '../table-contents.ts'
import { exchange, listen, type RawAnswer } from './raw-http.ts'

let t: TestApp
let cast: Cast
let port: number
before(async () => {
  t = await startTestApp()
  cast = await makeCast(t)
  port = await listen(t)
})
after(() => t.close())

const lines = (...parts: readonly string[]): string => parts.join('\r\n')
const post = '{"title":"Smuggled","content":"x"}'

/** The head of a request that would write a post. */
const head = (...further: readonly string[]): string =>
  lines(
    'POST /api/v1/posts HTTP/1.1',
    'Host: 127.0.0.1',
    `Authorization: ${cast.senders.owner.headers.authorization}`,
    'Content-Type: application/json',
    ...further,
    '',
    '',
  )

const countAnswers = ({ text }: RawAnswer): number => text.split('HTTP/1.1 ').length - 1

/** Refused, the connection closed, and nothing behind it taken for a request of its own. */
const assertRefused = async (bytes: string, statuses: readonly number[] = [400]): Promise<RawAnswer> => {
  const before = await readTables(t)
  const answer = await exchange(port, bytes)
  assert.ok(statuses.includes(answer.status), answer.text)
  assert.equal(countAnswers(answer), 1, answer.text)
  assert.ok(answer.headers.some(([name, value]) => name === 'x-content-type-options' && value === 'nosniff'))
  assert.deepEqual(await readTables(t), before)
  return answer
}

const behind = 'GET /api/v1/posts HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'
const length = `Content-Length: ${post.length}`
const chunked = 'Transfer-Encoding: chunked'
const chunks = `${post.length.toString(16)}\r\n${post}\r\n0\r\n\r\n`

/** Requests whose end two programs could see in two places. */
const ambiguous: Readonly<Record<string, () => string>> = {
  'two lengths': () => head(length, 'Content-Length: 5') + post,
  'two lengths in one line': () => head(`Content-Length: ${post.length}, 5`) + post,
  'a length and chunks': () => head(length, chunked) + chunks,
  'chunks and a length': () => head(chunked, 'Content-Length: 4') + chunks,
  'a length with a sign': () => head(`Content-Length: +${post.length}`) + post,
  'a length in hexadecimal': () => head('Content-Length: 0x22') + post,
  'a negative length': () => head('Content-Length: -1') + post,
  'an encoding that nobody knows': () => head('Transfer-Encoding: xchunked') + chunks,
  'chunks before another encoding': () => head('Transfer-Encoding: chunked, identity') + chunks,
  'chunks twice': () => head(chunked, chunked) + chunks,
  'a space before the colon': () => head('Transfer-Encoding : chunked', length) + chunks,
  'a folded header': () => head('X-A: b', ' Transfer-Encoding: chunked', length) + chunks,
  'a NUL in a header': () => head(length, 'X-A: a\0b') + post,
  'a line break in a header': () => head(length, 'X-A: a\rb') + post,
  'a chunk size that is none': () => `${head(chunked)}zz\r\n${post}\r\n0\r\n\r\n`,
  'a chunk size with a sign': () => `${head(chunked)}+22\r\n${post}\r\n0\r\n\r\n`,
  'a chunk size beyond 64 bits': () => `${head(chunked)}fffffffffffffffff\r\n${post}\r\n0\r\n\r\n`,
  'a chunk longer than its size': () => `${head(chunked)}5\r\n${post}\r\n0\r\n\r\n`,
}
for (const [what, make] of Object.entries(ambiguous))
  test(`request smuggling: ${what} is refused, and nothing behind it is answered`, async () => {
    await assertRefused(make() + behind)
  })

test('an HTTP version that is none, or no HTTP at all, is refused in the common form', async () => {
  for (const bytes of [
    'GET / HTTP/9.9\r\n\r\n',
    'GET /healthz\r\n\r\n',
    'hello\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ])
    assert.match((await assertRefused(bytes)).body, /"code":"malformed_request"/)
})

test('a request without a host is refused', async () => {
  await assertRefused('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')
})

test('a request for two hosts is refused, on a public route as well', async () => {
  for (const hosts of [
    ['Host: a', 'Host: b'],
    ['Host: a', 'HOST: a'],
    ['Host: a', 'Host:'],
  ])
    await assertRefused(lines('GET /healthz HTTP/1.1', ...hosts, 'Connection: close', '', ''))
})

test('a host that is none, or more than one in one line, is refused', async () => {
  for (const host of ['', 'a\tb', 'a b', 'a,b', 'evil@a', 'a/b', 'a\\b', 'a#b', 'a?b', 'http://a', '\xff'])
    await assertRefused(lines('GET /healthz HTTP/1.1', `Host: ${host}`, 'Connection: close', '', ''))
})

test('headers of more than 16 KiB are refused', async () => {
  await assertRefused(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(17 * 1_024)}\r\n\r\n`, [431])
})

test('memory exhaustion: a length of 257 KiB is refused before a byte of the body has come', async () => {
  const answer = await assertRefused(head(`Content-Length: ${257 * 1_024}`, 'Connection: close'), [413])
  assert.match(answer.body, /"code":"body_too_large"/)
})

test('memory exhaustion: chunks are counted, and refused without waiting for their end', async () => {
  const size = 256 * 1_024 + 1
  const open = `${head(chunked, 'Connection: close')}${size.toString(16)}\r\n${'x'.repeat(size)}`
  assert.match((await assertRefused(open, [413])).body, /"code":"body_too_large"/)
})

test('a body shorter than its length is never taken for a whole one', async () => {
  const before = await readTables(t)
  const short = head('Content-Length: 1000', 'Connection: close') + post
  const answer = await exchange(port, short, { hangUp: true })
  assert.ok([0, 400].includes(answer.status), answer.text)
  assert.deepEqual(await readTables(t), before)
})

test('a body without a content type is refused', async () => {
  const bare = head(length, 'Connection: close').replace('Content-Type: application/json\r\n', '')
  await assertRefused(bare + post, [415])
})

test('decompression bomb: a compressed body is not unpacked', async () => {
  const packed = gzipSync(JSON.stringify({ title: 'Big', content: 'x'.repeat(10_000_000) }))
  for (const coding of ['gzip', 'x-gzip', 'deflate', 'br']) {
    const request = head(
      `Content-Length: ${packed.length}`,
      `Content-Encoding: ${coding}`,
      'Connection: close',
    )
    const answer = await assertRefused(request + packed.toString('latin1'))
    assert.match(answer.body, /"code":"malformed_json"/)
  }
})

test('an expectation that nobody knows is no way round the common headers', async () => {
  await assertRefused(
    `POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nExpect: the-moon\r\nConnection: close\r\n\r\n`,
    [401],
  )
})

test('an upgrade to another protocol is not followed', async () => {
  for (const protocol of ['h2c', 'websocket', 'TLS/1.2']) {
    const upgrade = head(
      length,
      `Upgrade: ${protocol}`,
      'Connection: Upgrade, HTTP2-Settings, close',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    )
    const answer = await exchange(port, upgrade + post)
    assert.notEqual(answer.status, 101, answer.text)
  }
})

test('several requests on one connection are judged each by its own credential', async () => {
  const me = (...further: readonly string[]) =>
    lines('GET /api/v1/me HTTP/1.1', 'Host: 127.0.0.1', ...further, '', '')
  const authorization = `Authorization: ${cast.senders.owner.headers.authorization}`
  const answer = await exchange(port, me(authorization) + me() + me(authorization) + me('Connection: close'))
  assert.deepEqual(
    answer.text.match(/HTTP\/1\.1 \d+/g),
    [200, 401, 200, 401].map(status => `HTTP/1.1 ${status}`),
  )
})
