import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { until } from '../process/until.ts'
import {
  type AddressCase,
  addressCases,
  proxy,
  toRawHeaders,
  trustedProxies,
} from './client-address-cases.ts'
import { isOwnAddress } from './own-address.ts'
import { listen, toAnswer } from './raw-http.ts'

/** What stands on one machine: how to come from such a peer, by its own address and one of the server's. */
type Way = { readonly localAddress?: string; readonly host: string; readonly listensOn: '127.0.0.1' | '::' }

const ways: Readonly<Record<string, Way>> = {
  '127.0.0.1': { host: '127.0.0.1', listensOn: '127.0.0.1' },
  '127.0.0.2': { localAddress: '127.0.0.2', host: '127.0.0.1', listensOn: '127.0.0.1' },
  '127.0.0.11': { localAddress: '127.0.0.11', host: '127.0.0.1', listensOn: '127.0.0.1' },
  '::1': { host: '::1', listensOn: '::' },
  // To a server of both families, IPv4 comes as IPv6.
  '::ffff:127.0.0.1': { host: '127.0.0.1', listensOn: '::' },
}

let t: TestApp
let ports: Readonly<Record<Way['listensOn'], number | undefined>>
const both = createServer(socket => t.app.server.emit('connection', socket))
before(async () => {
  t = await startTestApp({ trustedProxies })
  const port = await listen(t)
  const hasBoth = await new Promise<boolean>(resolve =>
    both.once('error', () => resolve(false)).listen(0, '::', () => resolve(true)),
  )
  ports = { '127.0.0.1': port, '::': hasBoth ? (both.address() as AddressInfo).port : undefined }
})
after(async () => {
  both.close()
  await t.close()
})

let sent = 0

/** The address that the log has of such a request. */
const send = async ({ localAddress, host }: Way, port: number, lines: AddressCase['lines']) => {
  const path = `/api/v1/posts/case-${++sent}`
  const headers = toRawHeaders(lines).flatMap((text, at, all) => (at % 2 ? [] : [`${text}: ${all[at + 1]}`]))
  const socket = connect({ host, port, ...(localAddress && { localAddress }) })
  const head = [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers]
  socket.write(`${head.join('\r\n')}\r\n\r\n`, 'latin1')
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk as Buffer))
  await once(socket, 'close')
  assert.equal(toAnswer(Buffer.concat(chunks).toString('latin1')).status, 404)
  const ofIt = () => t.logLines.map(line => JSON.parse(line)).find(line => line.path === path)
  await until('it is logged', () => ofIt() !== undefined)
  return ofIt().address
}

const hasLoopbacks = isOwnAddress('127.0.0.11')

for (const [group, rows] of Object.entries(addressCases))
  describe(`over a real connection, ${group}`, () => {
    for (const { title, peer = proxy, lines, address } of rows) {
      const way = ways[peer]
      if (way === undefined) continue
      test(title, async context => {
        const port = ports[way.listensOn]
        if (port === undefined) return context.skip('this machine has no IPv6')
        if (way.localAddress && !(await hasLoopbacks))
          return context.skip('this machine has one loopback address')
        assert.equal(await send(way, port, lines), address)
      })
    }
  })
