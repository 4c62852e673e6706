import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { exchange } from '../attacks/raw-http.ts'
import { type Caller, signUp } from '../harness.ts'
import { findNginx } from '../servers/nginx.ts'
import { type BehindNginx, hostName, startBehindNginx } from './behind-nginx.ts'

const program = await findNginx()

const post = '{"title":"Smuggled","content":"x","published":true}'
const chunks = `${post.length.toString(16)}\r\n${post}\r\n0\r\n\r\n`
const length = `Content-Length: ${post.length}`
const chunked = 'Transfer-Encoding: chunked'

/** Heads and bodies whose end two programs could see in two places. */
const unclear: Readonly<Record<string, readonly [lines: readonly string[], body: string]>> = {
  'CL.TE': [[length, chunked], chunks],
  'TE.CL': [[chunked, 'Content-Length: 4'], chunks],
  'CL.CL': [[length, 'Content-Length: 5'], post],
  'two lengths in one line': [[`Content-Length: ${post.length}, 5`], post],
  'the same length twice': [[length, length], post],
  'a length with a sign': [[`Content-Length: +${post.length}`], post],
  'a length in hexadecimal': [['Content-Length: 0x30'], post],
  'TE.TE': [[chunked, chunked], chunks],
  'TE: another name': [['Transfer-Encoding: xchunked', length], chunks],
  'TE: another encoding after it': [['Transfer-Encoding: chunked, identity', length], chunks],
  'TE: another encoding before it': [['Transfer-Encoding: gzip, chunked', length], chunks],
  'TE: quotes': [['Transfer-Encoding: "chunked"', length], chunks],
  'TE: a space before the colon': [['Transfer-Encoding : chunked', length], chunks],
  'TE: a tab before the colon': [['Transfer-Encoding\t: chunked', length], chunks],
  'TE: a vertical tab': [['Transfer-Encoding: \x0bchunked', length], chunks],
  'TE: a NUL': [['Transfer-Encoding: chunked\0', length], chunks],
  'TE: a folded line': [['X-A: b', ' Transfer-Encoding: chunked', length], chunks],
  'TE: a folded value': [['Transfer-Encoding:', ' chunked', length], chunks],
  'TE: behind a bare CR': [['X-A: b\rTransfer-Encoding: chunked', length], chunks],
  'a chunk size that is none': [[chunked], `zz\r\n${post}\r\n0\r\n\r\n`],
  'a chunk size with a sign': [[chunked], `+30\r\n${post}\r\n0\r\n\r\n`],
  'a chunk size beyond 64 bits': [[chunked], `fffffffffffffffff\r\n${post}\r\n0\r\n\r\n`],
  'a chunk longer than its size': [[chunked], `5\r\n${post}\r\n0\r\n\r\n`],
}

describe('request smuggling through nginx', { skip: typeof program === 'string' && program }, () => {
  let b: BehindNginx
  let alice: Caller
  let port = 0
  before(async () => {
    assert.ok(typeof program === 'object')
    b = await startBehindNginx(program)
    alice = await signUp(b.t, 'alice')
    const address = b.t.app.server.address()
    port = typeof address === 'object' ? (address?.port ?? 0) : 0
  })
  after(() => b?.close())

  const head = (line: string, lines: readonly string[]): string => `${[line, ...lines].join('\r\n')}\r\n\r\n`

  const toPost = (lines: readonly string[], body: string): string =>
    head('POST /api/v1/posts HTTP/1.1', [
      `Host: ${hostName}`,
      `Authorization: Bearer ${alice.access}`,
      'Content-Type: application/json',
      ...lines,
    ]) + body

  /** Requests that the server has seen so far; its log has a line for each. */
  const countSeen = (path: string): number =>
    b.t.logLines.filter(line => JSON.parse(line).path === path).length

  const readTitles = async (): Promise<string> =>
    (await b.ask('posts?per_page=100', { headers: { cookie: 'a=b' } })).text

  for (const [what, [lines, body]] of Object.entries(unclear))
    test(`${what} is refused, and nothing behind it is answered`, async () => {
      const hidden = `/api/v1/hidden-${encodeURIComponent(what)}`
      const behind = head(`GET ${hidden} HTTP/1.1`, [`Host: ${hostName}`, 'Connection: close'])
      const answer = await b.send(toPost(lines, body) + behind)
      assert.equal(answer.status, 400, answer.text)
      assert.equal(answer.text.split('HTTP/1.1 ').length - 1, 1, answer.text)
      assert.equal(countSeen(hidden), 0)
      assert.ok(!(await readTitles()).includes('Smuggled'))
      assert.equal((await b.ask('me')).body?.code, 'invalid_token', 'the next one gets an answer of its own')
    })

  test('an underscore in place of a dash makes no header: the length holds', async () => {
    const answer = await b.send(
      toPost(
        ['Transfer_Encoding: chunked', length, 'Connection: close'],
        post.replace('Smuggled', 'In whole'),
      ),
    )
    assert.equal(answer.status, 201, answer.text)
  })

  /** The status that the server gives to such a request directly, and the one that comes through nginx. */
  const askBoth = async (bytes: string) => [
    (await exchange(port, bytes)).status,
    (await b.send(bytes)).status,
  ]

  const closing = [`Host: ${hostName}`, 'Connection: close']
  const paths: readonly string[] = [
    '//evil.test@api.test/api/v1/me',
    '//evil.test/api/v1/posts',
    '/api/v1//posts',
    '/api/v1/./posts',
    '/api/v1/x/../posts',
    '/api\\v1\\posts',
    '/api/v1/posts\\',
    '/api/v1/posts;a=b',
    '/api/v1;a/posts',
    '/api/v1/posts%2f',
    '/api%2fv1/posts',
    '/api/v1/%2e%2e/v1/posts',
    '/api/v1/posts%5c',
    '/api/v1/posts%3f',
    '/api/v1/posts%00',
    '/%61pi/v1/posts',
    '/API/v1/posts',
    '/api/v1/posts?page=%',
    '/api/v1/%',
    '/api/v1/%zz',
    '/api/v1/posts?a=%00',
    '/../api/v1/posts',
    '/api/v1/posts#x',
    '/api/v1/posts?#x',
    '/api/v1/posts\x7f',
    '/api/v1/posts\t',
    '/api/v1/po\xc3\xa9sts',
    '/api/v1/po\xffsts',
    '*',
    'api/v1/posts',
  ]
  test('an address means the same to both: each is refused by both, or answered alike', async () => {
    for (const path of paths) {
      const [direct = 0, through = 0] = await askBoth(head(`GET ${path} HTTP/1.1`, closing))
      const isRefused = (status: number): boolean => status === 0 || status >= 400
      assert.equal(
        isRefused(through),
        isRefused(direct),
        `${path}: ${direct} directly, ${through} through nginx`,
      )
      if (through !== 400) assert.equal(through, direct, path)
    }
  })

  test('a host that is not clear is refused by both', async () => {
    for (const hosts of [
      [`Host: ${hostName}`, `Host: ${hostName}`],
      [`Host: ${hostName}`, 'Host: other.test'],
      [`Host: ${hostName}\tother.test`],
      [`Host: ${hostName} other.test`],
      [`Host: ${hostName}\x0b`],
      [`Host: other.test@${hostName}`],
      [`Host: ${hostName}@other.test`],
      [`Host: ${hostName}/`],
      ['Host:'],
      [],
    ]) {
      const both = await askBoth(head('GET /healthz HTTP/1.1', [...hosts, 'Connection: close']))
      for (const status of both) assert.ok(status === 400 || status === 421, `${hosts}: ${both}`)
    }
    for (const host of [`${hostName}.other.test`, `${hostName}:x`, '127.0.0.1']) {
      const { status } = await b.send(head('GET /healthz HTTP/1.1', [`Host: ${host}`, 'Connection: close']))
      assert.ok(status === 400 || status === 421, host)
    }
    assert.equal((await b.send('GET /healthz HTTP/1.0\r\n\r\n')).status, 421)
  })

  test('a body means the same to both: marks, other encodings, names that stand twice', async () => {
    const utf16 = Buffer.from(post, 'utf16le').toString('latin1')
    for (const [what, body, type] of [
      ['a byte order mark', `\xef\xbb\xbf${post}`, 'application/json'],
      ['UTF-16', utf16, 'application/json'],
      ['UTF-16 that says so', `\xff\xfe${utf16}`, 'application/json; charset=utf-16'],
      ['bytes that are no UTF-8', post.replace('x', '\xff\xfe'), 'application/json'],
      ['a name twice', '{"title":"A","title":"B","content":"x"}', 'application/json'],
      ['a name twice, once escaped', '{"title":"A","t\\u0069tle":"B","content":"x"}', 'application/json'],
      ['a NUL', `${post}\0`, 'application/json'],
      // The first one counts, for whoever reads it: nginx does not.
      ['two types', post.replace('Smuggled', 'In whole'), 'application/json\r\nContent-Type: text/plain'],
    ] as const) {
      const bytes = toPost([`Content-Length: ${body.length}`, 'Connection: close'], body).replace(
        'application/json',
        () => type,
      )
      const [direct, through] = await askBoth(bytes)
      if (what !== 'two types') assert.ok(direct !== undefined && direct >= 400, `${what}: ${direct}`)
      assert.equal(through, direct, what)
    }
  })
})
