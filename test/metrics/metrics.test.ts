import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { everyone } from 'gatewright/access'
import { type Application, createApp } from 'gatewright/app'
import { minute } from 'gatewright/clock'
import { pino } from 'pino'
import { createMetrics } from '../../packages/gatewright/src/http/metrics/metrics.ts'
import type { ParentLink } from '../../packages/gatewright/src/workers/parent-link.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { keepHouse } from '../housekeeping/keep-house.ts'
import { findFreePort } from '../process/free-port.ts'
import { logQueries } from '../sessions/query-log.ts'

let t: TestApp
let token: string
before(async () => {
  t = await startTestApp()
  token = (await signUp(t, 'chief', ['admin'])).access
})
after(() => t.close())

const read = async (): Promise<string> => {
  const { status, text, headers } = await t.call('GET', '/metrics', { token })
  assert.equal(status, 200, text)
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
  return text
}

/** The value of one line, by name and labels as they are written. */
const findValue = (text: string, line: string): number | undefined => {
  const found = text.split('\n').find(each => each.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length + 1))
}

describe('/metrics', () => {
  test('counts answers by method, pattern of the route and status, of refusals as well', async () => {
    const before = await read()
    const line = 'http_requests_total{method="GET",route="/api/v1/posts/:id",status="404"}'
    for (const id of ['one', 'two', 'three']) await t.call('GET', `posts/${id}`)
    await t.call('HEAD', 'posts/four')
    const text = await read()
    assert.deepEqual([findValue(before, line), findValue(text, line)], [undefined, 3])
    assert.equal(
      findValue(text, 'http_requests_total{method="HEAD",route="/api/v1/posts/:id",status="404"}'),
      1,
    )
    const took = 'http_request_duration_seconds'
    const labels = 'method="GET",route="/api/v1/posts/:id"'
    assert.equal(findValue(text, `${took}_bucket{${labels},le="+Inf"}`), 3)
    assert.equal(findValue(text, `${took}_count{${labels}}`), 3)
    assert.ok(Number(findValue(text, `${took}_sum{${labels}}`)) > 0)
    const buckets = [
      ...text.matchAll(/_bucket\{method="GET",route="\/api\/v1\/posts\/:id",le="[^"]+"\} (\d+)/g),
    ]
    const counts = buckets.map(([, count]) => Number(count))
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    )
  })

  test('memory exhaustion: made-up paths and methods add one line between them', async () => {
    await t.call('GET', '/nothing-here')
    // Of garbage collection Node.js tells a kind once there has been one.
    const count = (text: string): number => text.match(/^(http|gatewright)_/gm)?.length ?? 0
    const lines = count(await read())
    for (let n = 0; n < 50; n++) await t.call(n % 2 === 0 ? 'GET' : 'DELETE', `/made-up-${n}`)
    const text = await read()
    assert.equal(count(text), lines)
    assert.equal(findValue(text, 'http_requests_total{method="",route="",status="404"}'), 51)
    assert.doesNotMatch(text, /made-up/)
  })

  test('tells when house was kept, how many rows that were, and the age of the oldest of each table', async () => {
    const userId = (await signUp(t, 'somebody')).id
    await keepHouse(t)
    t.clock.advance(minute)
    const text = await read()
    const at = (t.clock.now() - minute) / 1_000
    for (const task of ['overdue_sessions', 'sessions', 'cut_offs', 'idempotency_keys', 'setup_links']) {
      assert.equal(findValue(text, `gatewright_housekeeping_last_run_timestamp_seconds{task="${task}"}`), at)
      assert.equal(
        findValue(text, `gatewright_housekeeping_last_success_timestamp_seconds{task="${task}"}`),
        at,
      )
      assert.equal(findValue(text, `gatewright_housekeeping_rows_total{task="${task}"}`), 0)
    }
    assert.equal(findValue(text, 'gatewright_oldest_row_age_seconds{table="audit_events"}'), 60)
    assert.equal(findValue(text, 'gatewright_overdue_row_seconds{table="audit_events"}'), undefined)
    assert.ok(findValue(text, 'gatewright_revocations_age_seconds') !== undefined)
    assert.ok(Number(findValue(text, 'process_resident_memory_bytes')) > 1e6)
    for (const personal of [userId, 'somebody', 'chief', password, token.slice(0, 20)])
      assert.ok(!text.includes(personal), personal)
  })

  test('is made once for all who ask meanwhile', async () => {
    const { engine, queries } = logQueries(t.engine)
    const readMetrics = createMetrics(engine, [])
    await readMetrics()
    const { length } = queries
    const texts = Array.from({ length: 100 }, readMetrics)
    assert.equal(new Set(texts).size, 1)
    await Promise.all(texts)
    assert.equal(queries.length, 2 * length)
  })

  test('tells no delay of the event loop where none was measured since the question before', async () => {
    let told: Promise<unknown> | undefined
    const measureWith = (measure: () => Promise<unknown>) => {
      told = measure()
    }
    // Between processes it goes as JSON, which knows no NaN.
    const askAll = async () => [{ worker: 1, figures: JSON.parse(JSON.stringify(await told)) }]
    const parent = { measureWith, askAll } as unknown as ParentLink
    // The first question comes in the turn of the event loop in which the measuring begins.
    const alone = await createMetrics(t.engine, [])()
    const ofWorkers = await createMetrics(t.engine, [], parent)()
    for (const text of [alone, ofWorkers]) {
      const delays = [...text.matchAll(/^nodejs_eventloop_lag_.*/gm)].map(([line]) => line)
      assert.ok(delays.some(line => line.startsWith('nodejs_eventloop_lag_max_seconds')))
      for (const line of delays) assert.ok(Number(line.split(' ')[1]) < 3_600, line)
    }
  })

  test("leaves an application's own hooks on answers to be run", async () => {
    const answered: string[] = []
    const plugin: Application['plugin'] = async app => {
      app.addHook('onResponse', async request => void answered.push(request.url))
      const gate = { access: everyone(), limit: 'unlimited', audit: 'none' } as const
      app.get('/own', { config: { gate } }, async () => ({}))
    }
    const log = pino({ enabled: false })
    const { app } = await createApp({ engine: t.engine, log, mount: '/auth', application: { plugin } })
    await app.inject('/own')
    assert.deepEqual(answered, ['/own'])
    await app.close()
  })
})

describe('with METRICS_PORT, /metrics', () => {
  test('is read there without a credential, and is nothing on the other port', async () => {
    const metricsPort = await findFreePort()
    const app = await startTestApp({ metricsPort })
    const address = `http://127.0.0.1:${metricsPort}`
    const answer = await fetch(`${address}/metrics`)
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), /^# HELP /)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    const chief = await signUp(app, 'chief', ['admin'])
    assert.equal((await app.call('GET', '/metrics', { token: chief.access })).status, 404)

    for (const [method, path, status, code] of [
      ['GET', '/', 404, 'not_found'],
      ['GET', '/api/v1/protected', 404, 'not_found'],
      ['GET', '/metrics/x', 404, 'not_found'],
      ['POST', '/metrics', 405, 'method_not_allowed'],
      ['DELETE', '/metrics', 405, 'method_not_allowed'],
    ] as const) {
      const refused = await fetch(address + path, { method })
      const body = (await refused.json()) as { code: string }
      assert.deepEqual([refused.status, body.code], [status, code])
      assert.ok(refused.headers.get('x-request-id'))
    }
    const head = await fetch(`${address}/metrics`, { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
    await app.close()
    await assert.rejects(fetch(`${address}/metrics`))
  })

  test('stops the start where another program has the port', async context => {
    const taken = createServer().listen({ host: '127.0.0.1', port: 0 })
    await once(taken, 'listening')
    context.after(() => taken.close())
    const { port: metricsPort } = taken.address() as { port: number }
    const engine = { ...t.engine, settings: { ...t.engine.settings, metricsPort } }
    const log = pino({ enabled: false })
    const plugin = async (): Promise<void> => {}
    await assert.rejects(
      createApp({ engine, log, mount: '/auth', application: { plugin } }),
      /METRICS_PORT \d+ is taken by another program/,
    )
  })
})
