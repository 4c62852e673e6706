import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { parseAnswer } from './http-client.ts'
import { newFolder, password, type Server, signIn, signUp, startServer } from './spawned-server.ts'
import { until, within } from './until.ts'

/**
 * What a supervisor waits before it kills, as Docker does: 10 s. A server is done after seven; a loaded test
 * machine gets more.
 */
const patience = 13_000
const loopback = ['127.0.0.1', '::1']

/** A client that has sent the head of a request and the first part of its body. */
type Upload = {
  readonly finish: () => void
  readonly received: () => string
  readonly closed: Promise<unknown>
}

const registration = (username: string): readonly [string, string] => {
  const body = JSON.stringify({ username, password })
  return [body.slice(0, 10), body.slice(10)]
}

const isMissing = (error: unknown): boolean =>
  ['EADDRNOTAVAIL', 'ECONNREFUSED', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')

const open = async ({ port }: Server, host: string): Promise<Socket> => {
  const socket = connect({ port, host })
  await once(socket, 'connect')
  socket.on('error', () => {})
  return socket
}

const beginUpload = async (server: Server, username: string, host = '127.0.0.1'): Promise<Upload> => {
  const socket = await open(server, host)
  const [start, rest] = registration(username)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const head = [
    'POST /api/v1/register HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${start.length + rest.length}`,
  ]
  // The server has the head for sure once it has answered something after it.
  socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n${head.join('\r\n')}\r\n\r\n${start}`)
  await until('the request before is answered', () => Buffer.concat(chunks).includes('"up"'))
  chunks.length = 0
  return {
    finish: () => socket.write(rest),
    received: () => Buffer.concat(chunks).toString(),
    closed: once(socket, 'close'),
  }
}

const isStopping = (server: Server): Promise<number> =>
  until('the server says that it stops', () => /finishing what is in flight/.test(server.stdout()))

const endOf = async (server: Server) => {
  const start = performance.now()
  const how = await within(patience, 'the server ends', server.ended)
  return { ...how, after: performance.now() - start }
}

/** A signal right behind another one counts as the same: people press again. */
const pressUntilEnded = async (server: Server, signal: NodeJS.Signals): Promise<void> => {
  let ended = false
  void server.ended.then(() => {
    ended = true
  })
  const press = (): boolean => {
    if (!ended) server.kill(signal)
    return ended
  }
  // Sooner than what waits for clients is cut off by itself.
  await until('the server ends', press, 5_000)
}

describe('after SIGTERM', { concurrency: true }, () => {
  test('a request in flight is answered, and what was answered is there after the next start', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder)
    const upload = await beginUpload(server, 'uploader')
    server.kill('SIGTERM')
    await isStopping(server)
    upload.finish()
    const { code, after } = await endOf(server)
    assert.equal(code, 0)
    assert.ok(after < 5_000, `a client that was answered held the end for ${after} ms`)
    await upload.closed
    const answer = parseAnswer(upload.received())
    assert.deepEqual([answer.status, answer.field('username')], [201, 'uploader'])
    await signIn(await startServer(folder), 'uploader')
  })

  test('a request in flight on ::1 is answered as well', async t => {
    const server = await startServer(newFolder(t))
    const upload = await beginUpload(server, 'uploader', '::1').catch(error => error as Error)
    if (upload instanceof Error) {
      assert.ok(isMissing(upload), upload.message)
      return t.skip(`this machine has no ::1: ${upload.message}`)
    }
    server.kill('SIGTERM')
    await isStopping(server)
    upload.finish()
    const { code, after } = await endOf(server)
    assert.equal(code, 0)
    assert.ok(after < 5_000, `a client that was answered held the end for ${after} ms`)
    await upload.closed
    assert.equal(parseAnswer(upload.received()).status, 201)
  })

  test('idle connections are closed at once', async t => {
    const server = await startServer(newFolder(t))
    const agent = new Agent({ keepAlive: true, maxSockets: 5 })
    t.after(() => agent.destroy())
    await Promise.all(Array.from({ length: 5 }, () => server.call('GET', '/healthz', { agent })))
    assert.equal(Object.values(agent.freeSockets).flat().length, 5)
    server.kill('SIGTERM')
    const { code, after } = await endOf(server)
    assert.equal(code, 0)
    assert.ok(after < 5_000, `idle clients held the end for ${after} ms`)
  })

  test('new connections are refused', async t => {
    const server = await startServer(newFolder(t))
    await beginUpload(server, 'uploader')
    server.kill('SIGTERM')
    await isStopping(server)
    for (const host of loopback)
      await until(`connections to ${host} are refused`, async () => {
        const socket = await open(server, host).catch(error => {
          assert.ok(isMissing(error), String(error))
          return undefined
        })
        socket?.destroy()
        return socket === undefined
      })
  })

  test('clients that never finish their body do not hold the end longer than 10 s', async t => {
    const server = await startServer(newFolder(t))
    for (const host of loopback)
      await beginUpload(server, `never-${host.length}`, host).catch(error => {
        if (!isMissing(error)) throw error
      })
    server.kill('SIGTERM')
    const { code, signal, after } = await endOf(server)
    assert.deepEqual([code, signal], [0, null])
    t.diagnostic(`ended ${after.toFixed(0)} ms after SIGTERM`)
  })

  test('nothing half-done is left where a client never finished', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder)
    const caller = await signUp(server, 'finished')
    const upload = await beginUpload(server, 'unfinished')
    server.kill('SIGTERM')
    await isStopping(server)
    await pressUntilEnded(server, 'SIGTERM')
    await upload.closed
    assert.equal(upload.received(), '')
    const again = await startServer(folder)
    await signIn(again, caller.username)
    const login = await again.call('POST', 'login', { body: { username: 'unfinished', password } })
    assert.equal(login.status, 401)
  })
})

describe('a second signal', { concurrency: true }, () => {
  const pairs = [
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGINT'],
  ] as const
  for (const [first, second] of pairs)
    test(`ends at once what waits for a slow client: ${second} after ${first}`, async t => {
      const server = await startServer(newFolder(t))
      await beginUpload(server, 'uploader')
      server.kill(first)
      await isStopping(server)
      await pressUntilEnded(server, second)
      assert.equal((await server.ended).code, 1)
    })

  test('that comes right behind the first is the same one, handed on by npm', async t => {
    const server = await startServer(newFolder(t))
    const upload = await beginUpload(server, 'uploader')
    server.kill('SIGINT')
    server.kill('SIGTERM')
    await isStopping(server)
    upload.finish()
    await upload.closed
    assert.equal(parseAnswer(upload.received()).status, 201)
    assert.equal((await endOf(server)).code, 0)
  })
})

test('SIGINT ends an idle server well', async t => {
  const server = await startServer(newFolder(t))
  server.kill('SIGINT')
  assert.equal((await endOf(server)).code, 0)
})

test('SIGHUP ends nothing where there is no log file', async t => {
  const server = await startServer(newFolder(t))
  server.kill('SIGHUP')
  server.kill('SIGHUP')
  assert.equal((await server.call('GET', '/healthz')).status, 200)
  assert.equal((await server.call('GET', '/readyz')).status, 200)
  await server.stop()
  assert.equal(server.stderr(), '')
})
