import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { writeTogether } from './write-together.ts'

let app: FastifyInstance
let port: number
/** What happened, in order. */
const events: string[] = []

before(async () => {
  app = Fastify()
  app.addHook('onRequest', (request, _reply, done) => {
    events.push(`asked ${request.url}`)
    done()
  })
  // The last hook of all, as for most routes: nothing of Fastify's stands round the writing then.
  writeTogether(app)
  app.addHook('onResponse', (request, _reply, done) => {
    events.push(`written ${request.url}`)
    done()
  })
  app.setErrorHandler((error, _request, reply) => {
    events.push('told')
    return reply.code(500).send(`told: ${(error as Error).name}`)
  })
  app.get('/one', async () => 'one')
  app.get('/two', async () => 'two')
  app.get('/stream', async () => new Blob(['a stream']).stream())
  app.get('/bad-header', async (_request, reply) => reply.header('x-bad', 'a\r\nb').send('never'))
  app.get('/bad-character', async (_request, reply) => reply.header('x-name', '\u6587').send('never'))
  app.get('/no-text', async (_request, reply) => reply.serializer(() => 7 as never).send({}))
  app.get('/forgotten-return', async (_request, reply) => {
    reply.code(400).send('first')
    return reply.send('second')
  })
  app.get('/sent-and-thrown', async (_request, reply) => {
    reply.send('first')
    throw new Error('too late')
  })
  app.get('/twice', (_request, reply) => {
    reply.send('first')
    reply.send('second')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
})
after(() => app.close())
beforeEach(() => {
  events.length = 0
})

const open = async (): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
const ask = (socket: Socket, path: string): Promise<string> => {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  return text(socket)
}

describe('answers', () => {
  test('that are ready in one turn are written at its end, in their order', async () => {
    const [first, second] = [await open(), await open()]
    const answers = await Promise.all([ask(first, '/one'), ask(second, '/two')])
    assert.match(answers[0] ?? '', /\r\n\r\none$/)
    assert.match(answers[1] ?? '', /\r\n\r\ntwo$/)
    // Both may have come in turns of their own; never is one written before it was asked for.
    assert.deepEqual(events.toSorted(), ['asked /one', 'asked /two', 'written /one', 'written /two'])
  })

  test('that come down one connection keep their order', async () => {
    const socket = await open()
    socket.write(
      'GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    )
    const both = await text(socket)
    assert.ok(both.indexOf('\r\none') < both.indexOf('\r\ntwo'), both)
    assert.deepEqual(events, ['asked /one', 'asked /two', 'written /one', 'written /two'])
  })

  test('that are streams go on at once', async () => {
    assert.match(await ask(await open(), '/stream'), /a stream/)
  })

  for (const path of ['/bad-header', '/bad-character', '/no-text'])
    test(`that can not be written are told as an error, and leave the others and the process alone: ${path}`, async () => {
      const [bad, good] = [await open(), await open()]
      const answers = await Promise.all([ask(bad, path), ask(good, '/one')])
      assert.match(answers[0] ?? '', /^HTTP\/1\.1 500 .*\r\n\r\ntold: \w+$/s)
      assert.match(answers[1] ?? '', /one$/)
    })

  test('whose client has gone end nothing else', async () => {
    const socket = await open()
    socket.write('GET /one HTTP/1.1\r\nHost: x\r\n\r\n')
    socket.destroy()
    assert.match(await ask(await open(), '/two'), /two$/)
  })

  test('on their way while the application closes end their connections', async () => {
    const [asked, late] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const closing = Fastify()
    writeTogether(closing)
    closing.get('/late', () => {
      asked.resolve()
      return late.promise
    })
    await closing.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((closing.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('GET /late HTTP/1.1\r\nHost: x\r\n\r\n')
    await asked.promise
    const closed = closing.close()
    late.resolve('late')
    assert.match(await text(socket), /\r\nconnection: close\r\n.*late$/is)
    await closed
  })

  for (const path of ['/twice', '/forgotten-return', '/sent-and-thrown'])
    test(`given twice are one answer: ${path}`, async () => {
      const answer = await ask(await open(), path)
      assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
      assert.match(answer, /first$/)
      assert.equal(events.includes('told'), path === '/sent-and-thrown', 'only what was thrown is told')
      assert.match(await ask(await open(), '/one'), /one$/)
    })
})
