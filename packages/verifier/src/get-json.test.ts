import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, connect, createServer as createProxy, type Server, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { generate } from 'selfsigned'
import { until } from '../../../test/process/until.ts'
import { getJson, UnreachableError } from './get-json.ts'

const bounds = { most: 1_000, longest: 400, signal: new AbortController().signal }

const listen = async (t: TestContext, server: Server): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A server on the way, whose connections can be cut so that neither side is told. */
const startCuttable = async (t: TestContext, port: number) => {
  const sockets: Socket[] = []
  const proxy = createProxy(near => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far).pipe(near)
    sockets.push(near, far)
  })
  t.after(() => sockets.map(socket => socket.destroy()))
  const cut = (): void => {
    for (const socket of sockets) socket.unpipe().pause()
  }
  return { port: await listen(t, proxy), cut }
}

const startByTls = async (t: TestContext, answer: Parameters<typeof createSecureServer>[1]) => {
  const extensions = [{ name: 'subjectAltName' as const, altNames: [{ type: 7 as const, ip: '127.0.0.1' }] }]
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { extensions })
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, cert])
  t.after(() => setDefaultCACertificates(before))
  return listen(t, createSecureServer({ cert, key, allowHTTP1: true }, answer))
}

test('a connection that was cut without a word is given up with its request: the next one makes its own', async t => {
  const versions: string[] = []
  const { port, cut } = await startCuttable(
    t,
    await startByTls(t, ({ httpVersion }, response) => {
      versions.push(httpVersion)
      response.end('{}')
    }),
  )
  const url = new URL(`https://127.0.0.1:${port}/`)
  await getJson(url, bounds)
  cut()
  await assert.rejects(getJson(url, bounds), UnreachableError)
  assert.deepEqual(await getJson(url, bounds), {})
  assert.deepEqual(versions, ['1.1', '1.1'])
})

const start = async (t: TestContext, answer: RequestListener) => {
  const server = createServer(answer)
  const open = new Set<Socket>()
  let count = 0
  server.on('connection', socket => {
    count += 1
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const url = new URL(`http://127.0.0.1:${await listen(t, server)}/it`)
  t.after(() => server.closeAllConnections())
  return { url, open, count: () => count }
}

/** Writes for as long as somebody listens. */
const writeOn =
  (bytes: number, every: number): RequestListener =>
  (_, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(bytes, 0x20)), every)
    response.on('close', () => clearInterval(timer))
  }

describe('an answer that can not be used is hung up on', { concurrency: 8 }, () => {
  const rows: Readonly<Record<string, readonly [answer: RequestListener, told: RegExp]>> = {
    'that has no end': [writeOn(100, 1), /too large/],
    'that takes for ever': [writeOn(1, 20), /timeout/],
    'that does not begin': [() => {}, /timeout/],
    'of another status, whatever it goes on with': [
      (request, response) => writeOn(100, 1)(request, response.writeHead(404)),
      /\/it answered 404/,
    ],
    'that sends us elsewhere': [
      ({ url }, response) => void response.writeHead(url === '/it' ? 302 : 200, { location: '/' }).end('{}'),
      /\/it answered 302/,
    ],
    'that is packed, though nobody asked for that': [
      (_, response) => void response.setHeader('content-encoding', 'gzip').end(gzipSync('{}')),
      /is packed/,
    ],
    'that breaks off': [
      (_, response) => void response.write('{}', () => response.destroy()),
      /\/it: aborted/,
    ],
    'that is not HTTP': [(_, { socket }) => void socket?.end('SSH-2.0-x\r\n'), /\/it: Parse Error/],
  }
  for (const [name, [answer, told]] of Object.entries(rows))
    test(name, async t => {
      const { url, open } = await start(t, answer)
      await assert.rejects(getJson(url, bounds), error => {
        assert.ok(error instanceof UnreachableError)
        assert.match(error.message, told)
        return true
      })
      await until('the connection is closed', () => open.size === 0)
    })
})

test('an answer that is no JSON is none', async t => {
  const { url } = await start(t, (_, response) => void response.end('<p>'))
  await assert.rejects(getJson(url, bounds), UnreachableError)
})

test('what is asked for one after the other comes by one connection', async t => {
  const { url, count } = await start(t, (_, response) => void response.end('{"a":1}'))
  for (const _ of '123') assert.deepEqual(await getJson(url, bounds), { a: 1 })
  assert.equal(count(), 1)
})

test('a status and the pause that was asked for are told', async t => {
  const { url } = await start(t, (_, response) => void response.writeHead(503, { 'retry-after': '3' }).end())
  await assert.rejects(getJson(url, bounds), { status: 503, retryAfter: 3_000 })
})
