import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { findFreePort } from '../process/free-port.ts'
import { until } from '../process/until.ts'
import { findNginx, type Nginx, startNginx } from '../servers/nginx.ts'
import { client, spoofed } from './client-address-cases.ts'
import { isOwnAddress } from './own-address.ts'
import { listen, toAnswer, toRequest } from './raw-http.ts'

/** Clients are in one net of loopback, proxies in another; who comes by IPv6 or a socket file is in none. */
const person = '127.0.0.2'
const [outer, inner, unlisted] = ['127.0.1.1', '127.0.1.2', '127.0.2.1']
const trustedProxies = ['127.0.1.0/24']

const append = 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'
const overwrite = 'proxy_set_header X-Forwarded-For $remote_addr;'

/** What stands in front of the server, by the name that a request asks for. */
const setups = {
  append: { from: outer, says: append },
  overwrite: { from: outer, says: overwrite },
  silent: { from: outer, says: 'proxy_set_header X-Forwarded-For "";' },
  'passes-on': { from: outer, says: '' },
  unlisted: { from: unlisted, says: append },
  'by-socket': { from: undefined, says: append },
} as const

const toServer = (name: string, listens: string, location: string): string =>
  `server { ${listens} server_name ${name}; location / { proxy_set_header Host app; ${location} } }`

const program = await findNginx()
const hasIPv6 = await isOwnAddress('::1')
const skip =
  typeof program === 'string'
    ? program
    : !(await isOwnAddress(person)) && 'this machine has one loopback address'

describe('through nginx', { skip }, () => {
  let t: TestApp
  let nginx: Nginx
  let port: number
  const bySocket = createServer((request, response) => t.app.server.emit('request', request, response))

  before(async () => {
    t = await startTestApp({ trustedProxies })
    const [appPort, innerPort] = [await listen(t), await findFreePort()]
    port = await findFreePort()
    const toApp = (from: string) => `proxy_bind ${from}; proxy_pass http://127.0.0.1:${appPort};`
    const listens = (folder: string) =>
      `listen 127.0.0.1:${port}; ${hasIPv6 ? `listen [::1]:${port};` : ''} listen unix:${join(folder, 'in')};`
    const servers = (folder: string): string =>
      [
        ...Object.entries(setups).map(([name, { from, says }]) => {
          const pass = from ? toApp(from) : `proxy_pass http://unix:${join(folder, 'out')};`
          return toServer(name, listens(folder), `${says} ${pass}`)
        }),
        toServer(
          'two',
          listens(folder),
          `${append} proxy_bind ${outer}; proxy_pass http://127.0.0.1:${innerPort};`,
        ),
        toServer('app', `listen 127.0.0.1:${innerPort};`, `${append} ${toApp(inner)}`),
      ].join('\n')
    assert.ok(typeof program === 'object')
    nginx = await startNginx(program, { port, servers })
    bySocket.listen({ path: join(nginx.folder, 'out'), writableAll: true })
    await once(bySocket, 'listening')
  })
  after(async () => {
    bySocket.close()
    await nginx?.stop()
    await t.close()
  })

  let sent = 0

  /** The address that the server knows such a request by. */
  const ask = async (
    name: string,
    lines: readonly string[],
    from: object = { host: '127.0.0.1', port, localAddress: person },
  ): Promise<string> => {
    const path = `/api/v1/posts/through-nginx-${++sent}`
    const socket = connect(from as { port: number })
    const request = toRequest('GET', path, { 'X-Forwarded-For': lines })
    socket.write(request.replace('Host: 127.0.0.1', `Host: ${name}`))
    const chunks: Buffer[] = []
    socket.on('data', chunk => chunks.push(chunk as Buffer))
    await once(socket, 'close')
    const { status, text } = toAnswer(Buffer.concat(chunks).toString('latin1'))
    assert.equal(status, 404, text)
    const ofIt = () => t.logLines.map(line => JSON.parse(line)).find(line => line.path === path)
    await until('it is logged', () => ofIt() !== undefined)
    return ofIt().address
  }

  for (const name of ['append', 'overwrite', 'two']) {
    test(`${name}: it is whom the first proxy saw`, async () => {
      assert.equal(await ask(name, []), person)
    })

    test(`${name}: what the client wrote itself moves it nowhere, in one line or in many`, async () => {
      const forged = [
        [spoofed],
        [outer],
        [`${spoofed}, ${outer}`],
        [spoofed, inner],
        ['unknown'],
        ['', ','],
        ['x"'],
      ]
      for (const lines of forged) assert.equal(await ask(name, lines), person, JSON.stringify(lines))
    })

    test(`${name}: it is an IPv6 address as well`, {
      skip: hasIPv6 ? false : 'this machine has none',
    }, async () => {
      assert.equal(await ask(name, [spoofed], { host: '::1', port }), '::1')
    })

    test(`${name}: who came to the proxy by a socket file has no address: it is the last proxy that had one`, async () => {
      assert.equal(await ask(name, [spoofed], { path: join(nginx.folder, 'in') }), outer)
    })
  }

  test('a proxy that takes the header away leaves its own address', async () => {
    assert.equal(await ask('silent', [spoofed]), outer)
  })

  test('a proxy that does not write the header lets clients choose: so every proxy must', async () => {
    assert.equal(await ask('passes-on', [client]), client)
    assert.equal(await ask('passes-on', []), outer)
  })

  test('a proxy that is not listed is the client itself, whatever it writes', async () => {
    assert.equal(await ask('unlisted', []), unlisted)
    assert.equal(await ask('unlisted', [spoofed]), unlisted)
  })

  test('a proxy that comes by a socket file has no address, and is not believed', async () => {
    assert.equal(await ask('by-socket', [spoofed]), 'unknown')
  })
})
