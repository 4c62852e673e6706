import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RefusalCode } from '../../packages/gatewright/src/ground/refusal.ts'
import { toProblem } from '../../packages/gatewright/src/http/problem.ts'
import { securityHeaders } from '../../packages/gatewright/src/http/security-headers.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Asked, type BehindNginx, type ProxyAnswer, startBehindNginx } from './behind-nginx.ts'

const program = await findNginx()

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

  const own: Readonly<Record<string, readonly [string, Asked, number, RefusalCode]>> = {
    'an address that can not be decoded': ['/api/v1/%zz', {}, 400, 'malformed_request'],
    'an address above the root': ['/../../etc/passwd', {}, 400, 'malformed_request'],
    'a NUL in the address': ['/api/v1/posts%00', {}, 400, 'malformed_request'],
    'a host that is none': ['me', { headers: { host: 'a b' } }, 400, 'malformed_request'],
    TRACE: ['me', { method: 'TRACE' }, 405, 'method_not_allowed'],
    'a body of more than 256 KiB': [
      'posts',
      { method: 'POST', body: ' '.repeat(256 * 1_024 + 1) },
      413,
      'body_too_large',
    ],
    'an address of 17 KiB': [`/${'a'.repeat(17 * 1_024)}`, {}, 431, 'headers_too_large'],
    'a header of 17 KiB': ['me', { headers: { 'x-long': 'a'.repeat(17 * 1_024) } }, 431, 'headers_too_large'],
    'another host': ['me', { headers: { host: 'other.test' } }, 421, 'wrong_host'],
    'an encoding that nobody knows': [
      'me',
      { headers: { 'transfer-encoding': 'gzip, chunked' } },
      400,
      'malformed_request',
    ],
    'the address that its own errors have': ['/.gatewright-problem', {}, 404, 'not_found'],
  }
  for (const [what, [path, asked, status, code]] of Object.entries(own))
    test(`${what} is refused by nginx as the server would: ${status} ${code}`, async () => {
      assertProblem(await b.ask(path, asked), status, code)
    })
  test('plain HTTP is no way to the API: refused without a redirect, whatever the method', async () => {
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
})
