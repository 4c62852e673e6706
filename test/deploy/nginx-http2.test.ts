import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findNginx } from '../servers/nginx.ts'
import { type BehindNginx, hostName, startBehindNginx } from './behind-nginx.ts'
import { type Field, sendHttp2 } from './raw-http2.ts'

const program = await findNginx()

describe('HTTP/2 through nginx', { skip: typeof program === 'string' && program }, () => {
  let b: BehindNginx
  before(async () => {
    assert.ok(typeof program === 'object')
    b = await startBehindNginx(program)
  })
  after(() => b?.close())

  /** Requests that the server has seen so far; its log has a line for each. */
  const countSeen = (path: string): number =>
    b.t.logLines.filter(line => JSON.parse(line).path === path).length

  const basic: readonly Field[] = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', hostName],
  ]
  let sent = 0
  const askHttp2 = async (
    further: readonly Field[],
    { body, fields = basic }: { readonly body?: string; readonly fields?: readonly Field[] } = {},
  ) => {
    const path = `/api/v1/h2-${++sent}`
    const outcome = await sendHttp2(await b.connect(['h2']), [...fields, [':path', path], ...further], body)
    return { outcome, seen: countSeen(path) }
  }

  test('HTTP/2 that is in order reaches the server', async () => {
    assert.deepEqual(
      await askHttp2([
        ['x-a', 'b'],
        ['te', 'trailers'],
      ]),
      { outcome: 404, seen: 1 },
    )
  })

  const broken: Readonly<Record<string, readonly Field[]>> = {
    'transfer-encoding': [['transfer-encoding', 'chunked']],
    connection: [['connection', 'close, x-forwarded-for']],
    'keep-alive': [['keep-alive', 'timeout=5']],
    'proxy-connection': [['proxy-connection', 'keep-alive']],
    upgrade: [['upgrade', 'h2c']],
    'te other than trailers': [['te', 'gzip']],
    'CR and LF in a value': [['x-a', `b\r\nX-Forwarded-For: 6.6.6.6`]],
    'LF in a value': [['x-a', 'b\nx-gatewright-user: 1']],
    'CR in a value': [['x-a', 'b\rc']],
    'NUL in a value': [['x-a', 'b\0c']],
    'CR and LF in a name': [['x-a: b\r\nx-forwarded-for', '6.6.6.6']],
    'a colon in a name': [['x-a: b', 'c']],
    'a space in a name': [['transfer-encoding ', 'chunked']],
    'a name in upper case': [['X-A', 'b']],
    'an empty name': [['', 'b']],
    'a second host': [['host', 'other.test']],
    'the same host twice': [['host', hostName]],
    'a second path': [[':path', '/api/v1/me']],
    'a pseudo-header of nobody': [[':admin', '1']],
    'a pseudo-header behind others': [
      ['x-a', 'b'],
      [':status', '200'],
    ],
    'two lengths': [
      ['content-length', '0'],
      ['content-length', '1'],
    ],
  }
  for (const [what, further] of Object.entries(broken))
    test(`HTTP/2 with ${what} is refused, and reaches no server`, async () => {
      const { outcome, seen } = await askHttp2(further)
      assert.ok(
        outcome === 'reset' || outcome === 'gone' || outcome === 400 || outcome === 421,
        String(outcome),
      )
      assert.equal(seen, 0)
    })

  test('HTTP/2 with a body of another length than it says is refused, and reaches no server', async () => {
    for (const stated of ['1', '100']) {
      const fields: readonly Field[] = [[':method', 'POST'], ...basic.slice(1)]
      const { outcome, seen } = await askHttp2([['content-length', stated]], {
        fields,
        body: '{"title":"Smuggled"}',
      })
      assert.notEqual(outcome, 200)
      assert.ok(['reset', 'gone', 400].includes(outcome), String(outcome))
      assert.equal(seen, 0)
    }
  })

  test('HTTP/2 whose method or host has more in it is refused', async () => {
    for (const [method, host] of [
      ['GET /api/v1/me HTTP/1.1\r\nX-A:', hostName],
      ['GET', `${hostName}\r\nx-a: b`],
      ['GET', `${hostName}/api/v1/me`],
      ['GET', `evil.test@${hostName}`],
      ['GET', ''],
    ] as const) {
      const fields: readonly Field[] = [
        [':method', method],
        [':scheme', 'https'],
        [':authority', host],
      ]
      const { outcome, seen } = await askHttp2([], { fields })
      assert.ok(['reset', 'gone', 400, 421].includes(outcome), `${method} ${host}: ${outcome}`)
      assert.equal(seen, 0)
    }
  })
})
