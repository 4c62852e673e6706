import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { securityHeaders } from '../../packages/gatewright/src/http/security-headers.ts'
import { exchange } from '../attacks/raw-http.ts'
import { findFreePort } from '../process/free-port.ts'
import { until } from '../process/until.ts'
import { findCaddy, startShippedCaddy } from '../servers/caddy.ts'
import { findPebble, startPebble } from '../servers/pebble.ts'
import { createAsk, type Front, hostName, type ProxyAnswer } from './behind-nginx.ts'
import { type RecordingServer, startRecordingServer } from './recording-server.ts'

const [caddyProgram, pebblePrograms] = [await findCaddy(), await findPebble()]
const missing = [caddyProgram, pebblePrograms].find(found => typeof found === 'string')

const ofNginx = readFileSync(
  join(import.meta.dirname, '../../deploy/nginx/gatewright/to-server.conf'),
  'utf8',
)
/** Every header that nginx takes from a request, so that nobody else tells who asks. */
const takenByNginx = [...ofNginx.matchAll(/^proxy_set_header (\S+) "";$/gm)].map(([, name = '']) => name)
/** Those about one connection end at every proxy. */
const ofConnection = ['Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Upgrade', 'Expect']

describe('behind the shipped Caddy', { skip: typeof missing === 'string' ? missing : false }, () => {
  const closing: (() => Promise<void>)[] = []
  let ports: { readonly http: number; readonly https: number }
  let server: RecordingServer
  let root: string
  let ask: Front['ask']
  const publicUrl = () => `https://${hostName}:${ports.https}`

  const shakeHands = async (options: ConnectionOptions = {}): Promise<string> => {
    const socket = connect({
      host: '127.0.0.1',
      port: ports.https,
      servername: hostName,
      ca: root,
      ...options,
    })
    try {
      await once(socket, 'secureConnect')
      return socket.getCipher().name
    } finally {
      socket.destroy()
    }
  }

  before(async () => {
    if (typeof caddyProgram === 'string' || typeof pebblePrograms === 'string') return
    ports = { http: await findFreePort(), https: await findFreePort() }
    const proofs = { http: ports.http, tls: ports.https }
    const pebble = await startPebble(pebblePrograms, proofs)
    closing.unshift(pebble.stop)
    root = pebble.root
    server = await startRecordingServer()
    closing.unshift(server.close)
    const caddy = await startShippedCaddy(caddyProgram, {
      ...{ hostName, upstream: server.place, ports: proofs, pebble },
    })
    closing.unshift(caddy.stop)
    ask = createAsk(ports, root)
    await until('it has a certificate of the authority', () =>
      shakeHands().then(
        () => true,
        () => false,
      ),
    )
  })
  after(async () => {
    for (const end of closing) await end()
  })

  test('it gets a certificate by itself, and speaks TLS 1.2 and 1.3 with forward secrecy only', async () => {
    assert.match(await shakeHands({ minVersion: 'TLSv1.3' }), /^TLS_/)
    assert.equal(
      await shakeHands({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
      'ECDHE-ECDSA-AES128-GCM-SHA256',
    )
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await assert.rejects(shakeHands(old), /alert|EPROTO/)
    const weak = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0' } as const
    await assert.rejects(shakeHands(weak), /handshake failure/)
  })

  test('who asks is told by Caddy alone, whatever a caller says', async () => {
    const forged = Object.fromEntries(
      [
        ...takenByNginx.filter(name => !ofConnection.includes(name)),
        'X-Forwarded-For',
        'X-Forwarded-Proto',
      ].map(name => [name, 'forged']),
    )
    const path = '/api/v1/a/%2e%2e/b//c/?x=%2F;y'
    const { status } = await ask(path, { headers: forged })
    assert.deepEqual([status, server.seen.at(-1)?.path], [200, path])
    const lines = server.seen.at(-1)?.lines ?? []
    const sent = (name: string) => lines.filter(([own]) => own === name).map(([, value]) => value)
    assert.deepEqual(sent('x-forwarded-for'), ['127.0.0.1'])
    assert.deepEqual(sent('x-forwarded-proto'), ['https'])
    assert.deepEqual(sent('host'), [hostName])
    assert.deepEqual(
      lines.filter(([, value]) => value.includes('forged')),
      [],
    )
  })

  /** Each header of every answer stands there, and once. */
  const assertProblem = (answer: ProxyAnswer, status: number, code: string): void => {
    assert.equal(answer.status, status, answer.text)
    assert.equal(answer.header('content-type'), 'application/problem+json; charset=utf-8')
    assert.equal(answer.header('cache-control'), 'no-store')
    assert.equal(answer.header('server'), undefined)
    for (const [name, value] of Object.entries(securityHeaders(publicUrl())))
      assert.equal(answer.header(name), value, name)
    const id = answer.header('x-request-id')
    assert.match(id ?? '', /^[\w-]{36}$/)
    const { type, title, detail, ...body } = answer.body ?? {}
    assert.deepEqual(body, { status, code, request_id: id })
    assert.equal(type, `${publicUrl()}/docs/errors#${code}`)
    for (const text of [title, detail]) assert.match(String(text), /^[A-Z].+/)
  }

  test('its own refusals have the headers and the form of the server', async () => {
    const seen = server.seen.length
    assertProblem(await ask('posts', { method: 'POST', body: 'x'.repeat(1_000_000) }), 413, 'body_too_large')
    assertProblem(await ask('posts', { headers: { host: 'elsewhere.test' } }), 421, 'wrong_host')
    assert.equal(server.seen.length, seen)
    await server.close()
    assertProblem(await ask('posts', { method: 'POST', body: '{}' }), 502, 'no_answer')
  })

  test('plain HTTP is refused for the API, redirected for pages, and no answer for other hosts', async () => {
    const refused = await ask('posts', { isPlain: true })
    assert.deepEqual([refused.status, refused.body?.code], [403, 'https_required'])
    assert.equal(refused.header('strict-transport-security'), undefined)
    assert.equal((await ask('/console', { isPlain: true, method: 'POST' })).status, 403)
    for (const path of ['/', '/console', '/console/users?x=1', '/docs/errors']) {
      const { status, header } = await ask(path, { isPlain: true })
      assert.deepEqual([status, header('location')], [308, publicUrl() + path])
    }
    const elsewhere = await exchange(
      ports.http,
      'GET / HTTP/1.1\r\nHost: elsewhere.test\r\nConnection: close\r\n\r\n',
    )
    assert.equal(elsewhere.text, '')
  })

  test('for another name there is no handshake', async () =>
    assert.rejects(shakeHands({ servername: 'elsewhere.test' }), /alert/))
})
