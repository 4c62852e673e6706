import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { test } from 'node:test'
import Fastify from 'fastify'
import { SettingsError } from '../ground/load-settings.ts'
import { holdFreePort, listen } from './listen.ts'
import { toListenFailure } from './listen-failure.ts'
import { createServers } from './servers.ts'

const open = async (host: string, port: number): Promise<Server> => {
  const server = createServer().listen({ host, port })
  await once(server, 'listening')
  return server
}

const close = (server: Server): Promise<unknown> => once(server.close(), 'close')

const codeOf = (opening: Promise<Server>): Promise<string | undefined> =>
  opening.then(
    async server => {
      await close(server)
      return undefined
    },
    (error: NodeJS.ErrnoException) => error.code,
  )

/** Why ::1 can't be listened on here; undefined where it can. */
const missing = await codeOf(open('::1', 0))
const needsVersion6 = { skip: missing !== undefined && `this machine has no ::1 (${missing})` }

const openApp = () => {
  const servers = createServers({ certificate: undefined, answerBrokenRequest: () => {} })
  const app = Fastify({ serverFactory: handler => servers.create(handler) })
  app.get('/', async () => 'here')
  const end = async (): Promise<void> => {
    await Promise.all([app.close(), servers.closeFurther()])
  }
  return { app, servers, end }
}

const listenOnFreePort = async (host: string) => {
  const held = await holdFreePort(host)
  const opened = openApp()
  await held.release()
  await listen(opened.app, opened.servers, { host, port: held.port })
  return { ...opened, port: held.port }
}

const askAt = async (host: string, port: number): Promise<string> => {
  const answer = await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } })
  return answer.text()
}

for (const host of ['127.0.0.1', '::1'])
  test(
    `a port of localhost that another program has at ${host} is refused, and no other address is kept`,
    needsVersion6,
    async () => {
      const other = await open(host, 0)
      const { port } = other.address() as { port: number }
      const { app, servers, end } = openApp()
      await assert.rejects(listen(app, servers, { host: 'localhost', port }), (error: unknown) => {
        assert.ok(error instanceof SettingsError)
        assert.match(error.message, new RegExp(`^PORT ${port} is taken by another program`))
        return true
      })
      await end()
      await close(other)
      for (const address of ['127.0.0.1', '::1']) assert.equal(await codeOf(open(address, port)), undefined)
    },
  )

test('a host that is not of this machine is refused, and so is a port that needs another user', async () => {
  const { app, servers, end } = openApp()
  await assert.rejects(
    listen(app, servers, { host: '192.0.2.1', port: 0 }),
    /^SettingsError: HOST is no address of this machine: write localhost/,
  )
  await end()
  const privileged = Object.assign(new Error('listen EACCES'), { code: 'EACCES' })
  const told = toListenFailure(privileged, 'PORT', 80)
  assert.match(
    String(told),
    /^SettingsError: PORT 80 may not be opened by this user: write a number above 1023/,
  )
})

test('a held port can be taken by nobody else, at no address of localhost, until it is released', async () => {
  const { port, release } = await holdFreePort('localhost')
  for (const host of missing === undefined ? ['127.0.0.1', '::1'] : ['127.0.0.1'])
    assert.equal(await codeOf(open(host, port)), 'EADDRINUSE', host)
  await release()
  assert.equal(await codeOf(open('127.0.0.1', port)), undefined)
})

test('a connection to a held port is not kept waiting', async () => {
  const { port, release } = await holdFreePort('localhost')
  await assert.rejects(askAt('127.0.0.1', port))
  await release()
})

test('twenty held ports are twenty ports', async () => {
  const held = await Promise.all(Array.from({ length: 20 }, () => holdFreePort('localhost')))
  assert.equal(new Set(held.map(({ port }) => port)).size, 20)
  await Promise.all(held.map(({ release }) => release()))
})

test('localhost is both loopback addresses, whatever the file of hosts says', needsVersion6, async () => {
  const { port, end } = await listenOnFreePort('localhost')
  assert.equal(await askAt('127.0.0.1', port), 'here')
  assert.equal(await askAt('[::1]', port), 'here')
  await end()
})

test('an address is that address only', needsVersion6, async () => {
  const { port, end } = await listenOnFreePort('::1')
  assert.equal(await askAt('[::1]', port), 'here')
  await assert.rejects(askAt('127.0.0.1', port))
  await end()
})
