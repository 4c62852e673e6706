import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { Agent, request } from 'node:https'
import { type AddressInfo, connect as connectPlain } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, before, beforeEach, describe, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { day } from 'gatewright/clock'
import { createServers, type Servers } from '../../packages/gatewright/src/http/servers.ts'
import { type Issued, issue, makeAuthority } from '../authority.ts'

let ours: Issued
let theirs: Issued
let server: Issued
let caller: Issued
before(async () => {
  ;[ours, theirs] = [await makeAuthority('ours'), await makeAuthority('theirs')]
  server = await issue('localhost', { by: ours })
  caller = await issue('proxy', { by: ours })
})

let servers: Servers
let main: Server
let close: () => void
let port: number

beforeEach(async () => {
  servers = createServers({
    certificate: { ...server, clientCa: ours.cert },
    answerBrokenRequest: (_, socket) => socket.destroy(),
  })
  main = servers.create((_, response) => response.end('in'))
  main.on('clientError', (error, socket) => socket.destroy(error))
  await once(main.listen(0, '127.0.0.1'), 'listening')
  port = (main.address() as AddressInfo).port
  close = () => {
    servers.closeAllConnections()
    main.close()
  }
})
afterEach(() => close())

type Shown = Pick<ConnectionOptions, 'cert' | 'key'>

/** The answer of one request over one connection. */
const call = async (shown: Shown, agent = new Agent()): Promise<string> => {
  const sent = request({ port, host: 'localhost', ca: ours.cert, agent, ...shown, path: '/healthz' }).end()
  const [answer] = await once(sent, 'response')
  return `${await text(answer)}, ${answer.headers.connection}`
}

/** How a caller learns of it: by an alert, or by the end of the connection alone. */
const cutOff = /alert|ECONNRESET|hang up|disconnected/

const versions = ['TLSv1.2', 'TLSv1.3'] as const

describe('a server that asks callers for a certificate', () => {
  for (const version of versions)
    test(`lets in who shows one of its authority, with ${version}`, async () => {
      const agent = new Agent({ minVersion: version, maxVersion: version })
      assert.match(await call(caller, agent), /^in/)
    })

  const strangers: readonly (readonly [who: string, shown: () => Promise<Shown>])[] = [
    ['shows none', async () => ({})],
    ['shows one of another authority', () => issue('proxy', { by: theirs })],
    ['shows one made by itself', () => issue('proxy')],
    [
      'shows one that has expired',
      () => issue('proxy', { by: ours, from: Date.now() - 9 * day, until: Date.now() - day }),
    ],
    ['shows one that is not valid yet', () => issue('proxy', { by: ours, from: Date.now() + day })],
    [
      'shows one of an authority of the same name',
      async () => issue('proxy', { by: await makeAuthority('ours') }),
    ],
    [
      'shows one by a caller that is no authority',
      async () => {
        const made = await issue('proxy', { by: caller })
        return { ...made, cert: `${made.cert}\n${caller.cert}` }
      },
    ],
  ]
  for (const version of versions)
    for (const [who, shown] of strangers)
      test(`answers nothing, not even /healthz, to who ${who}, with ${version}`, async () => {
        const agent = new Agent({ minVersion: version, maxVersion: version })
        await assert.rejects(call(await shown(), agent), cutOff)
        assert.match(await call(caller), /^in/)
      })
})

/** A connection that has had an answer, with the ticket by which it could be taken up again. */
const openSession = async (version: (typeof versions)[number]): Promise<Buffer> => {
  const socket = open({ minVersion: version, maxVersion: version })
  const ticket = once(socket, 'session')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  await text(socket)
  return (await ticket)[0]
}

const open = (options: ConnectionOptions): TLSSocket =>
  connect({ port, host: 'localhost', ca: ours.cert, ...caller, ...options })

describe('when callers are asked for another authority', () => {
  const turn = () => servers.useCertificate({ ...server, clientCa: theirs.cert })

  test('those of the former one are refused, and those of the new one let in', async () => {
    turn()
    await assert.rejects(call(caller), cutOff)
    assert.match(await call(await issue('proxy', { by: theirs })), /^in/)
  })

  test('a connection of before ends with its next answer', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    assert.equal(await call(caller, agent), 'in, keep-alive')
    turn()
    assert.equal(await call(caller, agent), 'in, close')
    await assert.rejects(call(caller, agent), cutOff)
    agent.destroy()
  })

  for (const version of versions)
    test(`a session of before is not taken up again (${version}): it would let in without a certificate`, async () => {
      const session = await openSession(version)
      const again = open({ session, minVersion: version, maxVersion: version })
      await once(again, 'secureConnect')
      assert.equal(again.isSessionReused(), true)
      again.destroy()
      turn()
      const late = open({ session, minVersion: version, maxVersion: version })
      late.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
      assert.equal(await text(late).catch(() => ''), '')
    })

  test('a handshake that was on the way gets one answer', async () => {
    const begun = once(main, 'connection')
    const plain = connectPlain({ port, host: '127.0.0.1' })
    await begun
    turn()
    const late = connect({ socket: plain, servername: 'localhost', ca: ours.cert, ...caller })
    late.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.match(await text(late), /^HTTP\/1\.1 200 .*connection: close.*in/is)
  })

  test('another certificate of the server alone ends no connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    await call(caller, agent)
    servers.useCertificate({ ...(await issue('localhost', { by: ours })), clientCa: ours.cert })
    assert.equal(await call(caller, agent), 'in, keep-alive')
    agent.destroy()
  })
})
