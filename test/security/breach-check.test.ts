import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { defaultSettings } from 'gatewright/settings'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { createBreachCheck } from '../../packages/gatewright/src/users/breach-check.ts'
import { parsePassword } from '../../packages/gatewright/src/users/password.ts'
import { issue } from '../authority.ts'
import { type BreachService, listedHash, startBreachService } from './breach-service.ts'

const stolen = 'a phrase that was stolen'
const unknown = 'a phrase that nobody knows'

let service: BreachService
before(async () => {
  service = await startBreachService([stolen])
})
afterEach(() => service.misbehave())
after(() => service.close())

type Mode = 'off' | 'warn' | 'refuse'
const checkAs = (breachCheck: Mode, breachCheckUrl = service.url) =>
  createBreachCheck(defaultSettings({ breachCheck, breachCheckUrl }))

const ask = (mode: Mode, text: string, url?: string) =>
  checkAs(mode, url).check(parsePassword(text), '/password')

const refusalOf = async (asked: Promise<unknown>): Promise<Refusal> => {
  const [{ status, reason } = {} as PromiseRejectedResult] = (await Promise.allSettled([
    asked,
  ])) as PromiseRejectedResult[]
  assert.equal(status, 'rejected')
  assert.ok(reason instanceof Refusal)
  return reason
}

describe('a stolen password', () => {
  test('is refused with BREACH_CHECK=refuse, at its field', async () => {
    const { code, details } = await refusalOf(ask('refuse', stolen))
    assert.equal(code, 'password_blocklisted')
    assert.equal(details.reason, 'breached_password')
    assert.deepEqual(
      details.errors?.map(({ path }) => path),
      ['/password'],
    )
  })

  test('is taken and noted with BREACH_CHECK=warn, in the log without itself and its hash', async () => {
    const lines: string[] = []
    const breaches = checkAs('warn')
    breaches.tell({ warn: line => void lines.push(line) })
    assert.equal(await breaches.check(parsePassword(stolen), '/password'), 'breached_password')
    assert.equal(lines.length, 1)
    for (const secret of [stolen, listedHash(stolen).slice(0, 5)]) assert.ok(!lines[0]?.includes(secret))
  })

  test('is asked about nowhere with BREACH_CHECK=off', async () => {
    const before = service.asked.length
    assert.equal(await ask('off', stolen), undefined)
    assert.equal(service.asked.length, before)
  })
})

test('what leaves this machine are 5 of 40 characters of a hash, and a wish for padding', async () => {
  await ask('refuse', unknown)
  const { path, headers } = service.asked.at(-1) ?? assert.fail()
  assert.equal(path, `/range/${listedHash(unknown).slice(0, 5)}`)
  assert.equal(headers['add-padding'], 'true')
  assert.equal(headers['user-agent'], 'gatewright')
  const told = JSON.stringify([path, headers])
  assert.ok(!told.includes(listedHash(unknown).slice(5, 12)) && !told.includes(unknown))
})

test('a password that is in no row is taken, and rows of padding are none', async () => {
  assert.equal(await ask('refuse', unknown), undefined)
  service.misbehave(response => response.end(`${listedHash(unknown).slice(5)}:0`))
  assert.equal(await ask('refuse', unknown), undefined)
})

test('a hash of other rows, or a part of one, is not the password', async () => {
  const hash = listedHash(unknown).slice(5)
  const nearly = `${hash.startsWith('A') ? 'B' : 'A'}${hash.slice(1)}`
  service.misbehave(response => response.end(`${nearly}:9`))
  assert.equal(await ask('refuse', unknown), undefined)
})

/** What counts as no answer. */
const broken: Readonly<Record<string, (response: ServerResponse, honest: string) => void>> = {
  'says 500': response => response.writeHead(500).end(),
  'says 429': response => response.writeHead(429, { 'retry-after': '2' }).end(),
  'says 404': response => response.writeHead(404).end(),
  'says 204': response => response.writeHead(204).end(),
  'leads elsewhere': (response, honest) => response.writeHead(302, { location: service.url }).end(honest),
  'shows a page': response =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in</h1>'),
  'says nothing': response => response.end(),
  'has one line too many': (response, honest) => response.end(`${honest}\r\nand more`),
  'breaks off': (response, honest) => {
    response.writeHead(200, { 'content-length': '100000' })
    response.write(honest)
    setImmediate(() => response.destroy())
  },
  'never ends': response => {
    const row = `${'F'.repeat(35)}:0\r\n`.repeat(1_000)
    const write = (): void => {
      while (!response.destroyed && response.write(row));
      if (!response.destroyed) response.once('drain', write)
    }
    write()
  },
  'says too much': response => response.end(`${'F'.repeat(35)}:0\r\n`.repeat(16_000)),
  'goes over to another protocol': response =>
    void response.socket?.write('HTTP/1.1 101 Over\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'),
  'hangs up': response => response.destroy(),
}

describe('a breach service that', () => {
  for (const [what, answer] of Object.entries(broken))
    test(`${what} lets nothing in with BREACH_CHECK=refuse, and is noted with warn`, async () => {
      service.misbehave(answer)
      const { code, details } = await refusalOf(ask('refuse', unknown))
      assert.deepEqual([code, details.reason], ['unavailable', 'breach_service_away'])
      assert.equal(details.retryAfter, 30)
      assert.equal(await ask('warn', stolen), 'breach_service_away')
    })

  test('listens nowhere lets nothing in either', async () => {
    const nowhere = 'http://127.0.0.1:1/range/'
    assert.equal((await refusalOf(ask('refuse', unknown, nowhere))).code, 'unavailable')
    assert.equal(await ask('warn', unknown, nowhere), 'breach_service_away')
  })

  test('whose certificate proves nothing lets nothing in with BREACH_CHECK=refuse, and is asked nothing', async t => {
    const asked: string[] = []
    let connections = 0
    const server = createServer(await issue('localhost'), ({ url = '' }, response) => {
      asked.push(url)
      response.end(`${'F'.repeat(35)}:0`)
    })
    server.on('connection', () => {
      connections += 1
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const url = `https://localhost:${(server.address() as AddressInfo).port}/range/`
    assert.equal((await refusalOf(ask('refuse', unknown, url))).details.reason, 'breach_service_away')
    assert.deepEqual([asked, connections], [[], 1])
  })

  test('is slow is waited for so long and no longer, by a bounded number at once', async () => {
    const patience = 200
    let open = 0
    let most = 0
    service.misbehave(response => {
      open += 1
      most = Math.max(most, open)
      response.once('close', () => {
        open -= 1
      })
      response.write(' ')
    })
    const settings = defaultSettings({ breachCheck: 'warn', breachCheckUrl: service.url })
    const breaches = createBreachCheck(settings, patience)
    const startedAt = performance.now()
    const waits = Array.from({ length: 40 }, async () => {
      assert.equal(await breaches.check(parsePassword(unknown), '/password'), 'breach_service_away')
      return performance.now() - startedAt
    })
    const times = (await Promise.all(waits)).toSorted((a, b) => a - b)
    assert.equal(most, 8)
    assert.equal(times.filter(time => time < patience).length, 24, 'those beyond the queue do not wait')
    assert.ok((times.at(-1) ?? 0) < 10 * patience)
  })
})
