import assert from 'node:assert/strict'
import { createServer, request, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { addAnswerHeaders, createAnswerHeaders } from './answer-headers.ts'
import { securityHeaders } from './security-headers.ts'

const table = { ...securityHeaders('https://api.example.org'), 'cache-control': 'no-store' }

let app: FastifyInstance
let port: number
/** How many answers were written by the usual way, header by header. */
let setOneByOne = 0

before(async () => {
  app = Fastify({ genReqId: () => 'request' })
  const write = createAnswerHeaders(table)
  app.addHook('onRequest', (_request, reply, done) => {
    const { headers } = reply
    reply.headers = values => {
      setOneByOne += 1
      return headers.call(reply, values)
    }
    write(reply)
    reply.headers = headers
    done()
  })
  app.get('/plain', async () => ({ ok: true }))
  app.get('/added', async (_request, reply) => {
    addAnswerHeaders(reply, { ratelimit: '"read";r=9' })
    addAnswerHeaders(reply, { ratelimit: '"read";r=8', 'ratelimit-policy': '"read";q=9' })
    return { ok: true }
  })
  app.get('/twice', async (_request, reply) => {
    addAnswerHeaders(reply, { 'retry-after': '9' })
    return reply.header('Retry-After', '10').send('')
  })
  app.get('/own', async (_request, reply) =>
    reply.header('Content-Security-Policy', "default-src 'self'").send('own'),
  )
  app.get('/nothing', async (_request, reply) => reply.code(204).send())
  app.get('/stream', async (_request, reply) => reply.send(new Blob(['a']).stream()))
  app.get('/raw', (_request, reply) => {
    reply.hijack()
    reply.raw.setHeader('X-Frame-Options', 'SAMEORIGIN')
    reply.raw.writeHead(200, ['x-own', 'yes']).end('raw')
  })
  app.get('/wrong', async () => {
    throw new Error('no')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})
after(() => app.close())

/** Name and value of each header line, in lower case and as they came. */
const linesOver = (path: string, method = 'GET'): Promise<readonly (readonly [string, string])[]> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, agent: false }, answer => {
      const { rawHeaders } = answer
      answer
        .resume()
        .on('end', () =>
          resolve(
            rawHeaders.flatMap((name, at) =>
              at % 2 ? [] : [[name.toLowerCase(), rawHeaders[at + 1] as string]],
            ),
          ),
        )
    })
      .on('error', reject)
      .end()
  })

const ofConnection = ['date', 'connection', 'keep-alive', 'transfer-encoding']
const paths = ['/plain', '/added', '/twice', '/own', '/nothing', '/stream', '/wrong', '/none']

describe('over a socket an answer carries', () => {
  for (const path of [...paths, '/raw'])
    test(`${path}: every header of the table once`, async () => {
      const lines = await linesOver(path)
      for (const name of Object.keys(table))
        assert.equal(lines.filter(([shown]) => shown === name).length, 1, name)
    })

  for (const path of paths)
    test(`${path}: exactly what it carries without one`, async () => {
      const lines = (await linesOver(path)).filter(([name]) => !ofConnection.includes(name))
      const injected = Object.entries((await app.inject(path)).headers)
      const expected = injected
        .filter(([name]) => !ofConnection.includes(name))
        .map(([name, value]) => [name, String(value)])
      assert.deepEqual([...lines].sort(), expected.sort())
    })

  test('its own value where it has one', async () => {
    const shownAs = async (path: string, name: string) =>
      (await linesOver(path)).find(([shown]) => shown === name)?.[1]
    assert.equal(await shownAs('/own', 'content-security-policy'), "default-src 'self'")
    assert.equal(await shownAs('/raw', 'x-frame-options'), 'SAMEORIGIN')
    assert.equal(await shownAs('/plain', 'x-frame-options'), 'DENY')
  })

  test('the same to HEAD', async () => {
    const names = (await linesOver('/plain', 'HEAD')).map(([name]) => name)
    for (const name of Object.keys(table)) assert.ok(names.includes(name), name)
  })
})

test('over a socket no header of the table is set by itself, which is what it is for', async () => {
  setOneByOne = 0
  await linesOver('/plain')
  assert.equal(setOneByOne, 0)
  await app.inject('/plain')
  assert.equal(setOneByOne, 1)
})

describe('where heads are made in another way', () => {
  const changes: Readonly<Record<string, (this: ServerResponse, line: string, headers: never) => void>> = {
    'without the line given': function (_line, headers) {
      original.call(this, 'HTTP/1.1 200 OK\r\n', headers)
    },
    'and nothing is made': () => {},
  }
  const prototype = ServerResponse.prototype as unknown as { _storeHeader: (typeof changes)[string] }
  const original = prototype._storeHeader

  for (const [name, change] of Object.entries(changes))
    test(`${name}, headers are set one by one`, async () => {
      prototype._storeHeader = change
      // A copy of the module of its own, as if Node.js had been so from the start.
      const path = `./answer-headers.ts?${encodeURIComponent(name)}`
      const { createAnswerHeaders: create } = (await import(path)) as {
        createAnswerHeaders: typeof createAnswerHeaders
      }
      const write = create(table)
      prototype._storeHeader = original
      let written: unknown
      const reply = {
        raw: new ServerResponse({} as never),
        request: { id: 'id' },
        headers: (values: unknown) => {
          written = values
          return { header: () => {} }
        },
      }
      write(reply as never)
      assert.equal(written, table)
    })
})

test('another server beside it is untouched', async () => {
  const server = createServer((_request, response) => void response.end('other')).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  assert.equal(answer.headers.get('x-frame-options'), null)
  server.close()
})
