import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { readDocument } from '../markdown.ts'
import { until } from '../process/until.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Front, hostName, startFront } from './behind-nginx.ts'
import { type RecordingServer, startRecordingServer } from './recording-server.ts'

const program = await findNginx()
const skip = typeof program === 'string' && program

/** How long it waits for whom, as shipped. Where that is played, it is shorter. */
const waits: readonly (readonly [shipped: string, here?: string])[] = [
  ['proxy_connect_timeout 2s;', 'proxy_connect_timeout 100ms;'],
  ['proxy_send_timeout 10s;'],
  ['proxy_read_timeout 20s;', 'proxy_read_timeout 700ms;'],
  ['proxy_next_upstream_timeout 30s;', 'proxy_next_upstream_timeout 500ms;'],
  ['proxy_next_upstream_tries 3;'],
  ['send_timeout 20s;', 'send_timeout 500ms;'],
]
/** As in gatewright.conf, for each server. */
const passive = 'max_fails=3 fail_timeout=2s;'

const shorten = (text: string): string =>
  waits.reduce((now, [shipped, here = shipped]) => now.replace(`\n${shipped}`, `\n${here}`), text)
/** None is passed by for a while, so that each way to fail is met again. */
const askAll = (text: string): string => shorten(text).replaceAll(passive, 'max_fails=0;')

const breakOff: RecordingServer['act'] = request => void request.socket.destroy()
const hang: RecordingServer['act'] = () => {}

test('the shipped files bound each wait: for a connection, for what is sent, for an answer, for other servers, and for a caller who does not read', () => {
  const lines = ['to-server', 'bounds'].flatMap(name =>
    readDocument(`deploy/nginx/gatewright/${name}.conf`).split('\n'),
  )
  for (const [shipped] of waits)
    assert.deepEqual(
      lines.filter(line => line === shipped),
      [shipped],
    )
  const own = readDocument('deploy/nginx/gatewright.conf')
  for (const line of own.match(/^ +server .*$/gm) ?? assert.fail('no server'))
    assert.ok(line.endsWith(passive))
})

describe('nginx, as shipped, in front of two servers', { skip }, () => {
  let front: Front
  let [one, two]: RecordingServer[] = []
  before(async () => {
    assert.ok(typeof program === 'object')
    one = await startRecordingServer()
    two = await startRecordingServer()
    front = await startFront(program, { upstreams: [one.place, two.place] })
  })
  after(async () => {
    for (const each of [front, one, two]) await each?.close()
  })

  test('it starts without a warning, but that of newer ones about how HTTP/2 is written', () => {
    const warnings = front.nginx.readErrors().match(/^.*\[warn\].*$/gm) ?? []
    assert.deepEqual(
      warnings.filter(line => !line.includes('"listen ... http2" directive is deprecated')),
      [],
    )
  })

  test('one that breaks off three times gets nothing for 2 seconds, then it is asked again, and no caller sees an error', async () => {
    assert.ok(one && two)
    one.act = breakOff
    const ask = async (): Promise<void> => assert.equal((await front.ask('/healthz')).status, 200)
    for (let sent = 0; sent < 6; sent += 1) await ask()
    assert.deepEqual([one.seen.length, two.seen.length], [3, 6])
    const failed = performance.now()
    one.act = two.act
    for (let sent = 0; sent < 6; sent += 1) await ask()
    assert.deepEqual([one.seen.length, two.seen.length], [3, 12])
    const isAskedAgain = async (): Promise<boolean> => {
      await ask()
      return one?.seen.length === 4
    }
    await until('it is asked again', isAskedAgain, 5_000)
    // nginx counts whole seconds.
    assert.ok(performance.now() - failed > 1_900)
  })
})

/** Listens, and takes no connection: its thread stands still. More than these two get no answer at all. */
const startFullServer = async () => {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
    const server = require('node:net').createServer()
    server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })`,
    { eval: true },
  )
  const [port] = await once(worker, 'message')
  const fill = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    return socket
  }
  const waiting = [await fill(), await fill()]
  return {
    place: `127.0.0.1:${port}`,
    close: async () => {
      for (const socket of waiting) socket.destroy()
      await worker.terminate()
    },
  }
}

const repeated = ['GET', 'POST', 'PATCH'] as const

for (const [what, start, methods] of [
  [
    'is not there',
    async () => ({ place: '127.0.0.1:9', close: async () => {} }),
    [...repeated, 'PUT', 'DELETE'],
  ],
  ['takes no connection', startFullServer, repeated],
] as const)
  describe(`nginx beside a server that ${what}`, { skip }, () => {
    let front: Front
    let away: Awaited<ReturnType<typeof start>>
    let other: RecordingServer
    before(async () => {
      assert.ok(typeof program === 'object')
      away = await start()
      other = await startRecordingServer()
      front = await startFront(program, { upstreams: [away.place, other.place], edit: askAll })
    })
    after(async () => {
      for (const each of [front, away, other]) await each?.close()
    })

    for (const method of methods)
      test(`${method}, of which nothing was sent there, arrives at the other one, once, and none is lost`, async () => {
        const body = method === 'GET' ? undefined : '{"a":1}'
        const paths = ['one', 'two', 'three', 'four'].map(name => `/healthz?${name}`)
        other.seen.length = 0
        for (const path of paths)
          assert.equal((await front.ask(path, { method, ...(body && { body }) })).status, 200)
        assert.deepEqual(
          other.seen.map(seen => [seen.method, seen.path, seen.body]),
          paths.map(path => [method, path, body ?? '']),
        )
        // The last one alone where it was sent anew: nginx counts that as another request.
        const wentOn = new RegExp(`"method":"${method}".*"server":"${away.place}(?:,| :) ${other.place}"`)
        await until('it stands in the log', () => wentOn.test(front.nginx.readLog()), 5_000)
      })
  })

describe('nginx in front of four servers', { skip }, () => {
  let front: Front
  let four: RecordingServer
  before(async () => {
    assert.ok(typeof program === 'object')
    four = await startRecordingServer()
    front = await startFront(program, { upstreams: Array(4).fill(four.place), edit: askAll })
  })
  after(async () => {
    for (const each of [front, four]) await each?.close()
  })

  test('what reads is asked of three of them at most', async () => {
    four.act = breakOff
    assert.equal((await front.ask('/healthz')).status, 502)
    assert.equal(four.seen.length, 3)
  })

  test('no other one is asked after the time that all of them have together', async () => {
    four.seen.length = 0
    four.act = hang
    assert.equal((await front.ask('/healthz')).status, 504)
    assert.equal(four.seen.length, 1)
  })

  test('slow read: who takes nothing of an answer is cut off, and holds no server', async () => {
    const size = 32 * 1_024 * 1_024
    let [hasEnded, isWhole] = [false, true]
    four.act = (_, response) => {
      response.once('close', () => {
        ;[hasEnded, isWhole] = [true, response.writableFinished]
      })
      response.end(Buffer.alloc(size))
    }
    const socket = await front.connect()
    socket.pause()
    socket.write(`GET /healthz HTTP/1.1\r\nHost: ${hostName}\r\n\r\n`)
    await until('nginx lets go of both', () => hasEnded, 5_000)
    assert.equal(isWhole, false)
    const line = /"path":"\/healthz".*"status":200,"bytes":(\d+)/
    await until('it stands in the log', () => line.test(front.nginx.readLog()), 5_000)
    assert.ok(Number(line.exec(front.nginx.readLog())?.[1]) < size)
    socket.destroy()
  })
})
