import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { show } from '../../apps/blog/test/call.ts'
import { blockIssuer } from '../../packages/gatewright/src/administration/issuers.ts'
import { commandLineOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { createFederation } from '../../packages/gatewright/src/federation/federation.ts'
import {
  getIssuerJson,
  postJson,
  type Resolve,
} from '../../packages/gatewright/src/federation/get-issuer-json.ts'
import { isPublicAddress } from '../../packages/gatewright/src/ground/address.ts'
import { issue } from '../authority.ts'
import { startTestApp } from '../harness.ts'
import { type LocalKey, newRsaKey, toToken } from './local-issuer.ts'
import { parseIssuers, plainEntry, type Scene, startScene } from './scene.ts'

const minute = 60_000
const second = newRsaKey('second')

const open = async (test: { after: (close: () => Promise<void>) => void }): Promise<Scene> => {
  const scene = await startScene({ longest_lifetime: '24h' })
  test.after(scene.close)
  return scene
}
const ask = async ({ t }: Scene, token: string): Promise<string> =>
  show(await t.call('GET', 'users', { token }))
const by = ({ claims }: Scene, { kid, key }: LocalKey, others: Record<string, unknown> = {}): string =>
  toToken({ alg: 'RS256', typ: 'at+jwt', kid }, claims(others), key)
const keyReads = ({ local }: Scene): number => local.asked.filter(path => path === '/keys').length
/** Until what runs behind requests has come so far. */
const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise(resolve => setImmediate(resolve))
}
const longLived = (scene: Scene) => ({ exp: Math.floor(scene.t.clock.now() / 1_000) + 20 * 3_600 })

test('why the keys of an issuer can not be read is in the log, also where it failed before there was one', async test => {
  const nobody = 'http://127.0.0.1:9/realms/main'
  const entry = parseIssuers([plainEntry({ issuer: nobody })])
  const t = await startTestApp({ trustedIssuers: entry })
  test.after(t.close)
  const told = () => t.logLines.filter(line => line.includes('the keys of a trusted issuer can not be read'))
  await until(() => told().length > 0)
  assert.match(told()[0] ?? '', /"issuer":"http:\/\/127\.0\.0\.1:9\/realms\/main".*ECONNREFUSED/)
  const lines: unknown[] = []
  t.engine.federation.tell({ warn: ({ issuer }) => void lines.push(issuer) })
  assert.deepEqual(lines, [nobody])
})

test('a key that the issuer signs with from now on is found, and one that it took back is good for nothing', async test => {
  const scene = await open(test)
  const old = by(scene, scene.key, longLived(scene))
  assert.equal(await ask(scene, old), '200')
  scene.local.publish(second)
  scene.t.clock.advance(minute)
  assert.equal(await ask(scene, by(scene, second)), '200')
  assert.equal(await ask(scene, old), '401 invalid_token')
})

test('a key that was taken back is known behind the requests, after five minutes', async test => {
  const scene = await open(test)
  const old = by(scene, scene.key, longLived(scene))
  assert.equal(await ask(scene, old), '200')
  scene.local.publish(second)
  assert.equal(await ask(scene, old), '200')
  scene.t.clock.advance(5 * minute)
  assert.equal(await ask(scene, old), '200')
  await until(async () => (await ask(scene, old)) === '401 invalid_token')
})

test('a key of the same id that is another key ends what the former signed', async test => {
  const scene = await open(test)
  const old = by(scene, scene.key, longLived(scene))
  assert.equal(await ask(scene, old), '200')
  scene.local.publish({ ...newRsaKey('first') })
  scene.t.clock.advance(5 * minute)
  await until(async () => (await ask(scene, old)) === '401 invalid_token')
})

test('kid flood: a thousand made-up ids make the server ask once in half a minute', async test => {
  const scene = await open(test)
  assert.equal(await ask(scene, scene.token()), '200')
  const before = keyReads(scene)
  for (let round = 0; round < 1_000; round += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => ask(scene, scene.token({}, { kid: `made-up-${round + n}` }))),
    )
  assert.equal(keyReads(scene) - before, 1)
  scene.t.clock.advance(31_000)
  assert.match(await ask(scene, scene.token({}, { kid: 'another' })), /^4/)
  assert.equal(keyReads(scene) - before, 2)
})

test('race: who waits for the keys of an issuer that is blocked meanwhile is refused', async test => {
  const scene = await open(test)
  const token = by(scene, scene.key, longLived(scene))
  assert.equal(await ask(scene, token), '200')
  const isAsked = new Promise<() => void>(resolve =>
    scene.local.misbehave((_, response, honest) =>
      resolve(() => void response.setHeader('content-type', 'application/json').end(honest)),
    ),
  )
  scene.t.clock.advance(60 * minute)
  const waiting = ask(scene, token)
  const answer = await isAsked
  await blockIssuer(scene.t.engine, { issuer: scene.local.issuer, origin })
  scene.local.misbehave()
  answer()
  assert.equal(await waiting, '401 invalid_token')
})

/** What an issuer may do instead of answering. */
const troubles: Readonly<Record<string, Parameters<Scene['local']['misbehave']>[0]>> = {
  'answers 500': (_, response) => void response.writeHead(500).end(),
  'hangs up': request => void request.socket.destroy(),
  'would speak another protocol': ({ socket }) =>
    void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  'answers something else than JSON': (_, response, honest) =>
    void response.setHeader('content-type', 'text/html').end(honest),
  'answers another status': (_, response, honest) =>
    void response.writeHead(203, { 'content-type': 'application/json' }).end(honest),
  'answers broken JSON': (_, response, honest) =>
    void response.setHeader('content-type', 'application/json').end(honest.slice(0, -1)),
  'answers more than there may be': (_, response, honest) =>
    void response.setHeader('content-type', 'application/json').end(`${' '.repeat(300_000)}${honest}`),
  'answers packed': (_, response, honest) =>
    void response
      .setHeader('content-type', 'application/json')
      .setHeader('content-encoding', 'br')
      .end(honest),
  'has no key that is taken': (_, response) =>
    void response.setHeader('content-type', 'application/json').end('{"keys": []}'),
}

for (const [name, answer] of Object.entries(troubles)) {
  test(`an issuer that ${name}: its keys are good for an hour, then its tokens get 503, and nobody else's`, async test => {
    const scene = await open(test)
    const token = by(scene, scene.key, longLived(scene))
    assert.equal(await ask(scene, token), '200')
    scene.local.misbehave(answer)
    scene.t.clock.advance(59 * minute)
    assert.equal(await ask(scene, token), '200')
    scene.t.clock.advance(minute)
    const refused = await scene.t.call('GET', 'users', { token })
    assert.equal(show(refused), '503 unavailable')
    assert.ok(Number(refused.headers['retry-after']) > 0)
    assert.equal(show(await scene.t.call('GET', 'posts')), '200')
    scene.local.misbehave()
    scene.t.clock.advance(6_000)
    assert.equal(await ask(scene, token), '200')
  })
}

test('a start waits for no issuer, and a token of one that was never reached is 503, not wrong and never good', async test => {
  const scene = await startScene({ jwks_uri: 'http://127.0.0.1:1/keys' })
  test.after(scene.close)
  assert.equal(await ask(scene, scene.token()), '503 unavailable')
})

test('an issuer that takes its time keeps nobody waiting for longer than two seconds', async test => {
  const scene = await open(test)
  assert.equal(await ask(scene, scene.token()), '200')
  scene.local.misbehave(() => {})
  scene.t.clock.advance(61 * minute)
  const since = performance.now()
  assert.equal(await ask(scene, scene.token()), '503 unavailable')
  assert.ok(performance.now() - since < 4_000)
})

/** A server that notes whether anybody came. */
const startCanary = async () => {
  const visits: string[] = []
  const server = createServer((request, response) => {
    visits.push(request.url ?? '')
    response.setHeader('content-type', 'application/json').end('{"keys": []}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { visits, port, close: async () => void server.close() }
}

/** A server whose answer goes on for as long as anybody listens. */
const startDripping = async () => {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    const drip = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(drip))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

const signal = new AbortController().signal
const anywhere: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]

/** Begun here, judged in the last test of the file: it takes five seconds, and keeps nobody waiting. */
const dripping = startDripping().then(server => {
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const asking = { resolve: anywhere, allowsPrivate: true, signal }
  const since = performance.now()
  const said = getIssuerJson(url, asking).then(
    () => assert.fail('an answer'),
    error => ({ message: String(error.message), took: performance.now() - since }),
  )
  return { server, said }
})

test('a redirect is not followed, of whatever kind', async test => {
  const canary = await startCanary()
  test.after(canary.close)
  const scene = await open(test)
  const url = new URL(`${scene.local.issuer}/keys`)
  for (const status of [301, 302, 303, 307, 308]) {
    scene.local.misbehave((_, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${canary.port}/keys` }).end()
    })
    const asking = { resolve: anywhere, allowsPrivate: true, signal }
    await assert.rejects(getIssuerJson(url, asking), new RegExp(`it answered ${status}`))
  }
  scene.t.clock.advance(61 * minute)
  assert.equal(await ask(scene, scene.token()), '503 unavailable')
  assert.deepEqual(canary.visits, [])
})

test('request forgery: no private address is asked, however it is written', async test => {
  const canary = await startCanary()
  test.after(canary.close)
  const hosts = ['127.0.0.1', '[::1]', '0x7f000001', '2130706433', '127.1', '[::ffff:127.0.0.1]', '0.0.0.0']
  const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  for (const host of [...hosts, 'issuer.example'])
    await assert.rejects(
      getIssuerJson(new URL(`http://${host}:${canary.port}/`), { resolve, allowsPrivate: false, signal }),
      /private address/,
      host,
    )
  assert.deepEqual(canary.visits, [])
})

test('request forgery: a name that stands for one private address beside public ones is not asked', async test => {
  const canary = await startCanary()
  test.after(canary.close)
  const resolve: Resolve = async () => [
    { address: '127.0.0.1', family: 4 },
    { address: '93.184.216.34', family: 4 },
  ]
  const url = new URL(`http://issuer.example:${canary.port}/`)
  await assert.rejects(getIssuerJson(url, { resolve, allowsPrivate: false, signal }), /private address/)
  assert.deepEqual(canary.visits, [])
})

test('DNS rebinding: the connection goes to the address that was looked at, which is asked for once', async test => {
  const canary = await startCanary()
  test.after(canary.close)
  const answers = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
  let looked = 0
  const resolve: Resolve = async () => [{ address: answers[looked++] ?? '', family: 4 }]
  const url = new URL(`http://issuer.example:${canary.port}/keys`)
  await getIssuerJson(url, { resolve, allowsPrivate: true, signal })
  assert.equal(looked, 1)
  assert.deepEqual(canary.visits, ['/keys'])
})

test('no address is taken for public that is private, of this machine or link, or hides another', () => {
  const bad = [
    ...['10.0.0.1', '172.16.0.1', '192.168.1.1', '127.0.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'],
    ...['224.0.0.1', '255.255.255.255', '192.0.2.1', '198.18.0.1', '::', '::1', 'fe80::1', 'fc00::1'],
    ...['fd00:ec2::254', '::ffff:10.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1'],
    ...['2001:db8::1', 'ff02::1', 'fec0::1', 'localhost', ''],
  ]
  for (const address of bad) assert.equal(isPublicAddress(address), false, address)
  for (const address of ['93.184.216.34', '8.8.8.8', '2606:2800:220:1::1', '::ffff:8.8.8.8'])
    assert.equal(isPublicAddress(address), true, address)
})

test('is refused with its certificate, and told nothing: who shows one that proves nothing, as issuer or as webhook', async test => {
  const visits: string[] = []
  const server = createHttpsServer(await issue('issuer.example'), (request, response) => {
    visits.push(request.url ?? '')
    response.setHeader('content-type', 'application/json').end('{"keys": []}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  test.after(() => server.close())
  const url = new URL(`https://issuer.example:${(server.address() as AddressInfo).port}/keys`)
  const asking = { resolve: anywhere, allowsPrivate: true, signal }
  await assert.rejects(getIssuerJson(url, asking), /self-signed certificate/)
  await assert.rejects(postJson(url, '{}', asking), /self-signed certificate/)
  assert.deepEqual(visits, [])
})

test('discovery that is another issuer’s, or names keys on another address, is not believed', async test => {
  const canary = await startCanary()
  test.after(canary.close)
  const lies = [
    (issuer: string) => ({ issuer: `${issuer}/`, jwks_uri: `${issuer}/keys` }),
    (issuer: string) => ({ issuer, jwks_uri: `http://127.0.0.1:${canary.port}/keys` }),
    (issuer: string) => ({ issuer, jwks_uri: issuer.replace('http://', 'http://user:x@') }),
    (issuer: string) => ({ issuer }),
  ]
  for (const lie of lies) {
    const scene = await startScene()
    const { t, local } = scene
    const federation = createFederation({
      db: t.engine.db,
      clock: t.clock,
      issuers: parseIssuers([plainEntry(local)]),
    })
    local.misbehave(({ url = '' }, response, honest) => {
      const isLie = url.endsWith('openid-configuration')
      const said = isLie ? JSON.stringify(lie(local.issuer)) : honest
      response.setHeader('content-type', 'application/json').end(said)
    })
    await assert.rejects(federation.verify(scene.token()), { code: 'unavailable' })
    federation.stop()
    await scene.close()
  }
  assert.deepEqual(canary.visits, [])
})

test('an answer that comes in drops, and without an end, is hung up on', async () => {
  const { server, said } = await dripping
  const { message, took } = await said
  assert.match(message, /timeout/i)
  assert.ok(took < 15_000, String(took))
  await new Promise(resolve => server.close(resolve))
})
