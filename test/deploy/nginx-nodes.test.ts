import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { longestRest } from '../../packages/gatewright/src/http/longest-rest.ts'
import { readDocument } from '../markdown.ts'
import { until } from '../process/until.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Front, hostName, startFront } from './behind-nginx.ts'
import { type RecordingServer, startRecordingServer } from './recording-server.ts'

const program = await findNginx()

/** Shorter, so that nobody waits for them here, and a server that failed is asked again at once. */
const shorter: readonly (readonly [string, string])[] = [
  ['client_header_timeout 10s', 'client_header_timeout 1s'],
  ['client_body_timeout 10s', 'client_body_timeout 1s'],
  ['proxy_read_timeout 20s', 'proxy_read_timeout 400ms'],
  ['max_fails=3', 'max_fails=0'],
  ['limit_conn gatewright_connections 200', 'limit_conn gatewright_connections 4'],
]
const edit = (text: string): string => shorter.reduce((now, [from, to]) => now.replaceAll(from, to), text)

test('what these tests shorten stands in the shipped files, and a connection rests for less time here than at the server', () => {
  const files = ['gatewright.conf', 'gatewright/bounds.conf', 'gatewright/to-server.conf']
  const text = files.map(file => readDocument(`deploy/nginx/${file}`)).join('\n')
  for (const [from] of shorter) assert.ok(text.includes(from), from)
  const [, rest] = /keepalive_timeout (\d+)s;\n +keepalive_requests/.exec(text) ?? []
  assert.ok(Number(rest) * 1_000 < longestRest)
})

describe('nginx in front of two servers', { skip: typeof program === 'string' && program }, () => {
  let front: Front
  let one: RecordingServer
  let two: RecordingServer
  before(async () => {
    assert.ok(typeof program === 'object')
    one = await startRecordingServer()
    two = await startRecordingServer()
    front = await startFront(program, { upstreams: [one.place, two.place], edit })
  })
  after(async () => {
    await front?.close()
    await one?.close()
    await two?.close()
  })
  afterEach(() => {
    for (const server of [one, two]) {
      server.act = (_, response) => void response.end('ok')
      server.seen.length = 0
    }
  })

  const seen = () => [...one.seen, ...two.seen]

  test('both are asked, over connections that stay open', async () => {
    for (let sent = 0; sent < 20; sent += 1) assert.equal((await front.ask('/healthz')).status, 200)
    assert.deepEqual([one.seen.length, two.seen.length], [10, 10])
    assert.ok(one.connections() <= 2, 'one for each process of nginx at most')
  })

  test('forwarding headers of the caller never arrive: nginx alone says who asks, and for which host', async () => {
    const forged = [
      'Forwarded',
      'X-Real-IP',
      'X-Forwarded',
      'X-Forwarded-Host',
      'X-Forwarded-Port',
      'X-Forwarded-Server',
      'X-Forwarded-Prefix',
      'X-Forwarded-Uri',
      'X-Forwarded-Method',
      'X-Forwarded-Ssl',
      'X-Forwarded-Scheme',
      'X-Forwarded-User',
      'X-Original-Forwarded-For',
      'X-Original-URL',
      'X-Original-URI',
      'X-Original-Method',
      'X-Rewrite-URL',
      'X-HTTP-Method-Override',
      'X-Client-IP',
      'X-Cluster-Client-IP',
      'True-Client-IP',
      'CF-Connecting-IP',
      'X-Gatewright-Principal',
      'X-Gatewright-User',
      'X-Gatewright-Roles',
      'X-Gatewright-Session',
      'X-Gatewright-Assertion',
      'X-Request-Id',
      'Proxy',
      'Early-Data',
      'X_Forwarded_For',
      'X_Gatewright_User',
      'x-gatewright_user',
    ]
    const headers = Object.fromEntries(
      [...forged, 'X-Forwarded-For', 'X-Forwarded-Proto'].map(name => [name, 'forged']),
    )
    await front.ask('/healthz', {
      headers: { ...headers, 'x-forwarded-for': ['6.6.6.6', '7.7.7.7'], 'x-kept': 'kept' },
    })
    const [{ lines } = assert.fail('nothing arrived')] = seen()
    assert.deepEqual(
      lines.filter(([, value]) => value.includes('forged')),
      [],
    )
    assert.deepEqual(Object.fromEntries(lines), {
      host: hostName,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-kept': 'kept',
    })
    assert.equal(lines.length, 4, 'each once')
  })

  test('a header that the caller names in Connection is neither taken away nor handed on as one', async () => {
    await front.ask('/healthz', {
      headers: { connection: 'close, X-Forwarded-For, X-Kept', te: 'trailers', 'x-kept': 'kept' },
    })
    const [{ lines } = assert.fail('nothing arrived')] = seen()
    assert.deepEqual(lines.map(([name]) => name).sort(), [
      'host',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-kept',
    ])
  })

  const breakOff: RecordingServer['act'] = request => void request.socket.destroy()
  const hang: RecordingServer['act'] = () => {}
  for (const [what, act, status] of [
    ['breaks off', breakOff, 502],
    ['gives no answer in time', hang, 504],
  ] as const) {
    test(`a server that ${what}: what reads is asked of the other one, and the caller sees no error`, async () => {
      one.act = act
      for (let sent = 0; sent < 2; sent += 1) assert.equal((await front.ask('/api/v1/me')).status, 200)
      assert.equal(one.seen.length, 1)
      assert.equal(two.seen.length, 2)
    })

    for (const method of ['POST', 'PATCH', 'PUT', 'DELETE', 'LOCK'])
      test(`a server that ${what}: ${method} is sent once, to nobody else, and the answer says that it may have been done`, async () => {
        for (const server of [one, two]) server.act = act
        const answer = await front.ask('/api/v1/me', { method, body: '{"a":1}' })
        assert.deepEqual(
          [answer.status, answer.body?.code, answer.body?.status],
          [status, 'no_answer', status],
        )
        assert.equal(answer.lines.filter(([name]) => name === 'x-request-id').length, 1)
        assert.equal(seen().length, 1)
      })
  }

  test('an answer of 503 is an answer: nobody else is asked', async () => {
    for (const server of [one, two])
      server.act = (_, response) => void response.writeHead(503, { 'retry-after': '7' }).end('later')
    const answer = await front.ask('/healthz')
    assert.deepEqual([answer.status, answer.header('retry-after'), answer.text], [503, '7', 'later'])
    assert.equal(seen().length, 1)
  })

  test('what waits for something to happen is not cut, and told the moment it happens', async () => {
    let finish = (): void => {}
    for (const server of [one, two])
      server.act = (_, response) => {
        response.write('first')
        finish = () => void response.end('last')
      }
    const socket = await front.connect()
    let read = ''
    socket.on('data', chunk => {
      read += chunk
    })
    socket.write(
      `GET /api/v1/revocations?wait_ms=20000 HTTP/1.1\r\nHost: ${hostName}\r\nConnection: close\r\n\r\n`,
    )
    await until('the first part is there before the last', () => read.includes('first'), 5_000)
    await delay(700)
    assert.ok(!read.includes('last'))
    finish()
    await once(socket, 'close')
    assert.ok(read.includes('last'))
  })

  test('slow loris: a head or a body that does not come in time ends the connection, and reaches no server', async () => {
    const bodied = `POST /api/v1/login HTTP/1.1\r\nHost: ${hostName}\r\nContent-Length: 9\r\n\r\n{`
    const head = `GET / HTTP/1.1\r\nHost: ${hostName}\r\nX-Slow: `
    const started = performance.now()
    await Promise.all([front.send(head), front.send(bodied)])
    assert.ok(performance.now() - started < 5_000)
    assert.deepEqual(seen(), [])
  })

  test('one address has so many requests at once, and no more', async () => {
    for (const server of [one, two]) server.act = hang
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => front.ask('posts', { method: 'POST', body: '{}' })),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [429, 429, 504, 504, 504, 504])
  })

  test('cache exhaustion: who asks for what is public waits for no other caller, whose request may be one that is refused', async () => {
    for (const server of [one, two])
      server.act = (request, response) => {
        if (request.headers['x-held'] === undefined) response.end('ok')
      }
    const held = front.ask('posts', { headers: { 'x-held': '1' } })
    await until('a server has it', () => seen().length === 1, 5_000)
    const first = await Promise.race([held, front.ask('posts')])
    assert.equal(first.text, 'ok')
    await held
  })

  test('an answer does not command nginx', async () => {
    for (const server of [one, two])
      server.act = (_, response) =>
        void response
          .writeHead(200, { 'x-accel-redirect': '/.gatewright-problem', 'x-accel-expires': '60' })
          .end('own')
    for (const _ of [1, 2]) assert.equal((await front.ask('posts')).text, 'own')
    assert.equal(seen().length, 2)
  })
})
