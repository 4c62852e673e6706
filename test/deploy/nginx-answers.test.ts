import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { connect as connectSecurely } from 'node:tls'
import type { RefusalCode } from '../../packages/gatewright/src/ground/refusal.ts'
import { toProblem } from '../../packages/gatewright/src/http/problem.ts'
import { securityHeaders } from '../../packages/gatewright/src/http/security-headers.ts'
import { toAnswer } from '../attacks/raw-http.ts'
import { until } from '../process/until.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Asked, type BehindNginx, hostName, type ProxyAnswer, startBehindNginx } from './behind-nginx.ts'

const program = await findNginx()

/** Of a line of the log, and of no more. */
const loggedFields = [
  ...['time', 'request_id', 'method', 'path', 'protocol', 'tls', 'status', 'bytes', 'seconds', 'address'],
  ...['cache', 'server', 'server_status', 'server_seconds'],
]

/** What comes back over plain TCP, until the connection is closed. */
const readPlain = (port: number, bytes: string): Promise<string> => {
  const socket = connect({ host: '127.0.0.1', port })
  socket.write(bytes)
  // One that is broken off has answered nothing.
  return text(socket).catch(() => '')
}

describe('behind the shipped nginx', { skip: typeof program === 'string' && program }, () => {
  let b: BehindNginx
  before(async () => {
    assert.ok(typeof program === 'object')
    b = await startBehindNginx(program)
  })
  after(() => b?.close())

  /** Each header of every answer stands there, and once. */
  const assertHeaders = (answer: ProxyAnswer, isSecure = true): void => {
    const { 'content-security-policy': policy, ...others } = securityHeaders(b.nginx.publicUrl)
    for (const [name, value] of Object.entries(others)) {
      const expected = !isSecure && name === 'strict-transport-security' ? undefined : value
      // Pages have a policy of their own, and switch passkeys on.
      if (name !== 'permissions-policy' || answer.body) assert.equal(answer.header(name), expected, name)
    }
    if (answer.body) assert.equal(answer.header('content-security-policy'), policy)
    assert.match(answer.header('x-request-id') ?? '', /^[\w-]{20,40}$/)
    const names = answer.lines.map(([name]) => name).filter(name => name !== 'set-cookie')
    assert.deepEqual(names, [...new Set(names)], 'no header twice')
    assert.equal(answer.header('server'), 'nginx')
  }

  /** An answer of nginx itself, in the words of the server. */
  const assertProblem = (answer: ProxyAnswer, status: number, code: RefusalCode, isSecure = true): void => {
    assert.equal(answer.status, status, answer.text)
    assertHeaders(answer, isSecure)
    assert.equal(answer.header('content-type'), 'application/problem+json; charset=utf-8')
    assert.equal(answer.header('cache-control'), 'no-store')
    assert.equal(answer.header('location'), undefined)
    const requestId = answer.header('x-request-id') ?? ''
    const problem = toProblem({ code, details: {} }, { publicUrl: b.nginx.publicUrl, requestId })
    assert.deepEqual(answer.body, { ...problem, status })
    assert.match(requestId, /^[0-9a-f]{32}$/, 'nginx made it')
  }

  test('an answer of the server keeps its headers, each once: a success, a page, a refusal, what is not there', async () => {
    for (const [path, status] of [
      ['posts', 200],
      ['me', 401],
      ['/healthz', 200],
      ['/docs', 200],
      ['/nothing', 404],
    ] as const) {
      const answer = await b.ask(path)
      assert.equal(answer.status, status)
      assertHeaders(answer)
    }
  })

  const tooLong = ' '.repeat(256 * 1_024 + 1)
  const own: Readonly<Record<string, readonly [string, Asked, number, RefusalCode]>> = {
    'an address that can not be decoded': ['/api/v1/%zz', {}, 400, 'malformed_request'],
    'an address above the root': ['/../../etc/passwd', {}, 400, 'malformed_request'],
    'a NUL in the address': ['/api/v1/posts%00', {}, 400, 'malformed_request'],
    'a host that is none': ['me', { headers: { host: 'a b' } }, 400, 'malformed_request'],
    TRACE: ['me', { method: 'TRACE' }, 405, 'method_not_allowed'],
    'a body of more than 256 KiB': ['posts', { method: 'POST', body: tooLong }, 413, 'body_too_large'],
    'a body of more than 256 KiB that says so': [
      'posts',
      { method: 'POST', body: tooLong, headers: { 'content-length': String(tooLong.length) } },
      413,
      'body_too_large',
    ],
    'another host': ['me', { headers: { host: 'other.test' } }, 421, 'wrong_host'],
    'the address that its own errors have': ['/.gatewright-problem', {}, 404, 'not_found'],
  }
  /** HTTP/2 packs headers, has none of this kind, and ends a connection where they are too long. */
  const ofHttp1: typeof own = {
    'an address of 17 KiB': [`/${'a'.repeat(17 * 1_024)}`, {}, 431, 'headers_too_large'],
    'a header of 17 KiB': ['me', { headers: { 'x-long': 'a'.repeat(17 * 1_024) } }, 431, 'headers_too_large'],
    'an encoding that nobody knows': [
      'me',
      { headers: { 'transfer-encoding': 'gzip, chunked' } },
      400,
      'malformed_request',
    ],
  }
  for (const [what, [path, asked, status, code]] of Object.entries({ ...own, ...ofHttp1 }))
    test(`${what} is refused by nginx as the server would: ${status} ${code}`, async () => {
      assertProblem(await b.ask(path, asked), status, code)
    })
  for (const [what, [path, asked, status, code]] of Object.entries(own))
    test(`over HTTP/2, ${what} is refused by nginx as the server would: ${status} ${code}`, async () => {
      assertProblem(await b.ask(path, { ...asked, isHttp2: true }), status, code)
    })
  test('plain HTTP is no way to the API: refused without a redirect, whatever the method', async () => {
    for (const [path, asked, status, code] of [
      ['/api/v1/%zz', {}, 400, 'malformed_request'],
      [`/${'a'.repeat(17 * 1_024)}`, {}, 431, 'headers_too_large'],
      ['me', { headers: { host: 'a b' } }, 400, 'malformed_request'],
    ] as const)
      assertProblem(await b.ask(path, { ...asked, isPlain: true }), status, code, false)
    for (const [path, method] of [
      ['me', 'GET'],
      ['login', 'POST'],
      ['/console', 'POST'],
      ['/openapi.json', 'GET'],
      ['/console/../api/v1/me', 'GET'],
      ['/console/%2e%2e/api/v1/me', 'GET'],
      ['/docs//api.test', 'GET'],
    ] as const)
      assertProblem(await b.ask(path, { method, isPlain: true }), 403, 'https_required', false)
  })

  test('plain HTTP for a page is redirected to the same page', async () => {
    for (const path of ['/', '/console', '/console/sign-in', '/docs', '/docs/reference.css', '/docs?a=b']) {
      const answer = await b.ask(path, { isPlain: true })
      assert.equal(answer.status, 308)
      assert.equal(answer.header('location'), b.nginx.publicUrl + path)
      assertHeaders({ ...answer, body: {} }, false)
    }
  })
  test('a page in TLS’s place: plain HTTP on the port of TLS is refused in the same form', async () => {
    const text = await readPlain(
      b.ports.https,
      `GET /api/v1/me HTTP/1.1\r\nHost: ${hostName}\r\nConnection: close\r\n\r\n`,
    )
    const { status, headers, body } = toAnswer(text)
    assert.deepEqual([status, JSON.parse(body).code], [403, 'https_required'])
    assert.ok(headers.some(([name, value]) => name === 'x-content-type-options' && value === 'nosniff'))
  })

  test('a name that is not ours gets no handshake, and a closed connection on plain HTTP', async () => {
    for (const servername of ['other.test', 'api.test.evil', '']) {
      const socket = connectSecurely({
        host: '127.0.0.1',
        port: b.ports.https,
        servername,
        rejectUnauthorized: false,
      })
      const [error] = await once(socket, 'error')
      assert.match(String(error), /unrecognized.name/i, servername)
    }
    for (const host of ['other.test', '127.0.0.1', 'api.test.evil'])
      assert.equal(await readPlain(b.ports.http, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), '')
  })

  test('nginx is no proxy to elsewhere: neither CONNECT nor a whole address is followed', async () => {
    const end = 'Connection: close\r\n\r\n'
    for (const [line, host, status] of [
      ['CONNECT other.test:443', 'other.test:443', 400],
      ['CONNECT 127.0.0.1:22', hostName, 400],
      [`GET https://${hostName}/api/v1/posts`, hostName, 400],
      [`GET http://${hostName}/api/v1/posts`, hostName, 400],
      ['GET http://127.0.0.1/', hostName, 421],
      ['GET http://other.test/', 'other.test', 421],
      [`GET http://${hostName}@other.test/`, hostName, 400],
    ] as const) {
      const answer = await b.send(`${line} HTTP/1.1\r\nHost: ${host}\r\n${end}`)
      assert.equal(answer.status, status, `${line}: ${answer.text}`)
      assert.match(answer.body, /"code":/)
    }
  })

  test('proofs for a certificate authority are given on plain HTTP, and nothing else of that folder', async () => {
    const folder = join(b.nginx.acmeRoot, '.well-known/acme-challenge')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'proof-1_A'), 'proof')
    writeFileSync(join(b.nginx.acmeRoot, 'secret'), 'secret')
    const path = '/.well-known/acme-challenge'
    const proof = await b.ask(`${path}/proof-1_A`, { isPlain: true })
    assert.deepEqual([proof.status, proof.text, proof.header('content-type')], [200, 'proof', 'text/plain'])
    assertHeaders({ ...proof, body: {} }, false)
    assertProblem(await b.ask(`${path}/nobody`, { isPlain: true }), 404, 'not_found', false)
    for (const other of [`${path}/`, `${path}/../../secret`, '/secret', `${path}/%2e%2e/%2e%2e/secret`])
      assertProblem(await b.ask(other, { isPlain: true }), 403, 'https_required', false)
  })

  test('the id of a request is the server’s, which is found in both logs', async () => {
    const answer = await b.ask('me', { headers: { 'x-request-id': 'forged' } })
    const id = answer.header('x-request-id') ?? ''
    assert.equal(answer.body?.request_id, id)
    assert.ok(b.t.logLines.some(line => line.includes(id)))
    await until('nginx has written its line', () => b.nginx.readLog().includes(id))
    assert.ok(!b.nginx.readLog().includes('forged'))
  })

  const findLine = async (id: string) => {
    await until('nginx has written its line', () => b.nginx.readLog().includes(id))
    const line = b.nginx
      .readLog()
      .split('\n')
      .find(each => each.includes(id))
    return JSON.parse(line ?? '')
  }

  test('the log of nginx names the method that was asked for, also where nginx refused it', async () => {
    for (const asked of ['POST', 'VERSION-CONTROL', 'MADE_UP']) {
      const { header } = await b.ask('posts', { method: asked, body: tooLong, isHttp2: true })
      const { method, status } = await findLine(header('x-request-id') ?? '')
      assert.deepEqual([method, status], [asked, 413])
    }
  })

  test('a line of the log is JSON, whatever bytes the address has', async () => {
    const head = `GET /p\xff\xfe HTTP/1.1\r\nHost: ${hostName}\r\nConnection: close\r\n\r\n`
    await b.send(Buffer.from(head, 'latin1'))
    await until('nginx has written its line', () => b.nginx.readLog().includes('"path":"?"'))
    assert.doesNotMatch(b.nginx.readLog(), /\ufffd/)
  })

  test('who went away before there was an answer has an id in the log as well', async () => {
    const socket = await b.connect()
    socket.end(`POST /api/v1/left HTTP/1.1\r\nHost: ${hostName}\r\nContent-Length: 9\r\n\r\n{`)
    await until('nginx has written its line', () => b.nginx.readLog().includes('/api/v1/left'))
    assert.match(b.nginx.readLog(), /"request_id":"[0-9a-f]{32}","method":"POST","path":"\/api\/v1\/left"/)
  })

  test('the log of nginx has no query, no credential and no header of the caller', async () => {
    const headers = {
      authorization: 'Bearer s3cret',
      cookie: 'a=s3cret',
      referer: 'https://s3cret.test/',
      'user-agent': 's3cret',
    }
    await b.ask('posts?q=s3cret#s3cret', { headers })
    await b.ask(`me?${'s3cret'.repeat(4_000)}`, { headers })
    await b.ask('posts?s3cret', { headers, method: 'POST', body: 's3cret'.repeat(50_000) })
    const last = (await b.ask('me')).header('x-request-id') ?? ''
    await until('nginx has written its line', () => b.nginx.readLog().includes(last))
    assert.ok(!(b.nginx.readLog() + b.nginx.readErrors()).includes('s3cret'))
    const line = JSON.parse(b.nginx.readLog().trim().split('\n').at(-1) ?? '')
    assert.deepEqual(Object.keys(line), loggedFields)
    assert.deepEqual(
      [line.method, line.path, line.status, line.address],
      ['GET', '/api/v1/me', 401, '127.0.0.1'],
    )
  })
})
